import { connect } from "node:net";

/** Sends bytes as they are and answers everything that comes back until the other side closes. */
export function sendRaw(baseUrl: string, ...parts: readonly string[]): Promise<string> {
  const { port, hostname } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: hostname });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A reset counts as closed: what came before it is the answer.
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.on("timeout", () => reject(new Error("the connection stays open")));
    socket.setTimeout(20_000);
    for (const part of parts) socket.write(part, "latin1");
  });
}

/** Lines as HTTP ends them, with the empty one that ends the head. */
export function head(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** The statuses of the answers, in order. */
export function statuses(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
