import { hasForbiddenHost } from "./forbidden-address.ts";
import { isLoopbackHost, parseListen } from "./listen.ts";
import { fieldOf, listOf, textOf } from "./plain-value.ts";
import { closestWord, type Complaint } from "./problem.ts";
import { CHIMERA_MODEL } from "./resolve.ts";

/** What is wrong between the keys, the models and the addresses. Works on a value of any shape. */
export function accessComplaints(value: unknown): Complaint[] {
  const keys = listOf(value, "keys");
  return [
    ...repeated(keys, "name"),
    ...repeated(keys, "hash"),
    ...unknownModels(value, keys),
    ...openWithoutKeys(value, keys),
    ...forbiddenEngines(value),
  ];
}

function repeated(keys: readonly unknown[], field: "name" | "hash"): Complaint[] {
  const owners = new Map<string, number>();
  return keys.flatMap((key, index): Complaint[] => {
    const text = textOf(key, field);
    if (text === null) return [];
    const owner = owners.get(text);
    if (owner === undefined) {
      owners.set(text, index);
      return [];
    }
    const message = `is the ${field} of keys[${owner}] too; give each key its own`;
    return [{ path: ["keys", index, field], about: "value", message }];
  });
}

function unknownModels(value: unknown, keys: readonly unknown[]): Complaint[] {
  const engines = listOf(value, "engines").map((engine) => textOf(engine, "model"));
  // With a broken engine the list of models is not known, and complaints would only confuse.
  if (engines.length === 0 || engines.includes(null)) return [];
  const virtual = listOf(value, "models").map((model) => textOf(model, "name"));
  const known = [CHIMERA_MODEL, ...virtual, ...engines].filter((name) => name !== null);
  return keys.flatMap((key, index) =>
    listOf(key, "models").flatMap((name, position): Complaint[] => {
      if (typeof name !== "string" || known.includes(name)) return [];
      const close = closestWord(name, known);
      const hint = close === null ? `known are ${known.join(", ")}` : `did you mean ${close}?`;
      const message = `must be a model or a virtual model; ${hint}`;
      return [{ path: ["keys", index, "models", position], about: "value", message }];
    }),
  );
}

/** Fails closed: who can reach the address could use the engines and read what others did. */
function openWithoutKeys(value: unknown, keys: readonly unknown[]): Complaint[] {
  const listen = fieldOf(value, "listen");
  const host = parseListen(listen)?.host ?? textOf(listen, "host");
  const open = fieldOf(listen, "open");
  if (host === null || isLoopbackHost(host) || keys.length > 0) return [];
  if (open === true || open === "true") return [];
  const message = `${host} can be reached by others, and without keys anyone may use the engines; add keys (\`chimera key new\`), listen on 127.0.0.1, or accept it with listen.open: true (flag --open)`;
  return [{ path: ["listen"], about: "value", message }];
}

/** A gateway in a cloud must not be made to ask for its machine's credentials. Names are checked at each connection. */
function forbiddenEngines(value: unknown): Complaint[] {
  return listOf(value, "engines").flatMap((engine, index): Complaint[] => {
    const url = textOf(engine, "url");
    if (url === null || !hasForbiddenHost(url)) return [];
    if (fieldOf(engine, "allowLinkLocal") === true) return [];
    const message =
      "is a link-local, multicast or metadata address; give another, or set allowLinkLocal: true";
    return [{ path: ["engines", index, "url"], about: "value", message }];
  });
}
