import { expect } from "vitest";

/** An event whose name is its type, as two of the APIs have them. */
export interface NamedEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The events of a whole stream; each one's name equals its type. Comments are left out. */
export async function namedEvents(response: Response): Promise<NamedEvent[]> {
  const blocks = (await response.text()).split("\n\n").filter((block) => block.startsWith("event"));
  return blocks.map((block) => {
    const [, name, data = ""] = /^event: (\S+)\ndata: (.+)$/s.exec(block) ?? [];
    const told: NamedEvent = JSON.parse(data);
    expect(told.type).toBe(name);
    return told;
  });
}
