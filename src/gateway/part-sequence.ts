import type { ChatPiece } from "./chat-delta.ts";

/** A run of pieces that belong together: a text, a train of thought, or one call of a tool. */
export interface Part {
  readonly kind: "text" | "reasoning" | "call";
  /** Of a call: the number, the id and the name that the engine gave it. */
  readonly callIndex: number | null;
  readonly callId: string | null;
  readonly name: string;
  /** Text, thoughts, or the JSON text of the arguments. */
  text: string;
}

/** Told of every part, one after the other: `opened`, `grew` for each piece of text, `closed`. */
export interface PartListener {
  opened(part: Part, index: number): void;
  grew(part: Part, index: number, text: string): void;
  closed(part: Part, index: number): void;
}

/**
 * Puts a chat's pieces together to parts that follow one another. A call that the engine goes on
 * with after another one has begun cannot be told as its own; engines do not do that.
 */
export class PartSequence {
  readonly parts: Part[] = [];
  readonly #listener: PartListener;
  #isOpen = false;

  constructor(listener: PartListener) {
    this.#listener = listener;
  }

  add(piece: ChatPiece): void {
    const part = this.#current(piece) ?? this.#open(piece);
    const text = piece.kind === "call" ? piece.arguments : piece.text;
    if (text === "") return;
    part.text += text;
    this.#listener.grew(part, this.parts.length - 1, text);
  }

  /** Closes the part that is open, if one is. */
  close(): void {
    const part = this.parts.at(-1);
    if (!this.#isOpen || part === undefined) return;
    this.#isOpen = false;
    this.#listener.closed(part, this.parts.length - 1);
  }

  #current(piece: ChatPiece): Part | null {
    const part = this.parts.at(-1);
    return this.#isOpen && part !== undefined && goesOn(part, piece) ? part : null;
  }

  #open(piece: ChatPiece): Part {
    this.close();
    const part: Part = {
      kind: kindOf(piece),
      callIndex: piece.kind === "call" ? piece.index : null,
      callId: piece.kind === "call" ? piece.id : null,
      name: piece.kind === "call" ? (piece.name ?? "") : "",
      text: "",
    };
    this.parts.push(part);
    this.#isOpen = true;
    this.#listener.opened(part, this.parts.length - 1);
    return part;
  }
}

/** A refusal is told as the text that it is. */
function kindOf({ kind }: ChatPiece): Part["kind"] {
  return kind === "refusal" ? "text" : kind;
}

/** A piece of a call without an index begins a new call when it has an id of its own. */
function goesOn(part: Part, piece: ChatPiece): boolean {
  if (part.kind !== kindOf(piece)) return false;
  if (piece.kind !== "call") return true;
  const isSameIndex = piece.index === null || piece.index === part.callIndex;
  return isSameIndex && (piece.id === null || piece.id === part.callId);
}
