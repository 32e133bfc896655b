import { BlockList, isIP } from "node:net";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_HOST = "127.0.0.1";
const PORT_MAX = 65_535;

/** IPv4 addresses that are written as IPv6 are looked up as what they are. */
const LOOPBACK: BlockList = loopback();

/** Reads `8080`, `":8080"`, `"host:8080"` or `"[::1]:8080"`; null when it is none of them. */
export function parseListen(value: unknown): ListenAddress | null {
  if (typeof value === "number") return addressOf(DEFAULT_HOST, String(value));
  if (typeof value !== "string") return null;
  const text = value.trim();
  if (/^\d+$/.test(text)) return addressOf(DEFAULT_HOST, text);
  const bracketed = /^\[([0-9a-fA-F:.]+)\]:(\d+)$/.exec(text);
  if (bracketed !== null) return addressOf(bracketed[1] ?? "", bracketed[2] ?? "");
  const plain = /^([^\s:/[\]]*):(\d+)$/.exec(text);
  if (plain === null) return null;
  return addressOf(plain[1] === "" ? DEFAULT_HOST : (plain[1] ?? ""), plain[2] ?? "");
}

/** Writes an address so that `parseListen` reads it back. */
export function formatListen(host: string, port: string | number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine reaches it. A name other than localhost counts as reachable by others. */
export function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 6 ? "ipv6" : "ipv4");
}

function addressOf(host: string, portText: string): ListenAddress | null {
  const port = Number(portText);
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) return null;
  return { host, port };
}

function loopback(): BlockList {
  const list = new BlockList();
  list.addSubnet("127.0.0.0", 8, "ipv4");
  list.addAddress("::1", "ipv6");
  return list;
}
