/** `npm run bench -- NAME`: runs one benchmark of this folder and prints what it measured. */
const name = process.argv[2] ?? "step";
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const bench: { run(print: (line: string) => void): void | Promise<void> } = await import(
  `./${name}.ts`
);
await bench.run(print);
