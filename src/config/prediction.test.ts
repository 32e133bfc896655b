import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig, type ConfigResult } from "./load.ts";
import { formatProblem } from "./problem.ts";

const ENGINES = "engines: [{ url: http://127.0.0.1:8001/v1, model: small }]\n";

function parse(prediction: string, flags: Record<string, string> = {}): ConfigResult {
  const text = `${ENGINES}prediction: ${prediction}\n`;
  return parseConfig(text, { file: "/etc/chimera/chimera.yaml", environment: {}, flags });
}

describe("model files", () => {
  it("are looked for beside the file that names them", () => {
    const result = parse("{ lengthModel: models/length.model, routerModel: /srv/router.model }");
    expect(result.ok && result.config.prediction).toMatchObject({
      lengthModel: resolve("/etc/chimera/models/length.model"),
      routerModel: resolve("/srv/router.model"),
    });
  });

  it("of a flag are looked for in the working directory, and off takes one away", () => {
    const flags = { lengthModel: "mine.model", routerModel: "off" };
    const result = parse("{ lengthModel: a.model, routerModel: b.model }", flags);
    const prediction = { lengthModel: "mine.model", routerModel: null };
    expect(result.ok && result.config.prediction).toMatchObject(prediction);
  });
});

describe("limits of predictions", () => {
  it("are complained of all at once", () => {
    const result = parse("{ threads: 0, batchSizeMax: many, lengthModl: a, routerModel: 7 }");
    const problems = result.ok ? [] : result.problems.map(formatProblem);
    expect(problems.map((each) => each.split(": ").slice(1, 2)[0])).toEqual([
      "prediction.threads",
      "prediction.batchSizeMax",
      "prediction.lengthModl",
      "prediction.routerModel",
    ]);
    expect(problems[2]).toContain("did you mean lengthModel?");
    expect(problems[3]).toContain("the path of a model file, or null for none");
  });
});
