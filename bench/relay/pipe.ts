/** The least that a proxy can do: node:http on both sides. `pipe.ts PORT`; prints its own port. */
import { Agent, createServer, request } from "node:http";

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, noDelay: true });

const server = createServer((incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const options = { host: "127.0.0.1", port, agent };
  const upstream = request({ ...options, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on("error", () => outgoing.destroy());
  outgoing.on("close", () => upstream.destroy());
  incoming.pipe(upstream);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : 0}\n`);
});
