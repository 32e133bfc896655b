import { plainText } from "./plain-text.ts";

/** The part of a terminal's stream that is used. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K";
const REST = "\u001b[J";

/** A page of its own on a terminal, redrawn in place; `close` gives the old one back. Idempotent. */
export class Screen {
  readonly #terminal: Terminal;
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Replaces what is shown; what does not fit is cut. */
  draw(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.#terminal;
    const shown = lines.slice(0, rows - 1).map((line) => plainText(line).slice(0, columns));
    const text = shown.map((line) => `${line}${END_OF_LINE}\n`).join("");
    this.#terminal.write(`${this.#isOpen ? "" : ENTER}${HOME}${text}${REST}`);
    this.#isOpen = true;
  }

  close(): void {
    if (this.#isOpen) this.#terminal.write(LEAVE);
    this.#isOpen = false;
  }
}
