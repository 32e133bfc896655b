/** A seeded source of chance: sfc32 (Chris Doty-Humphrey), the same numbers on every platform. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
}

/** Two generators of one seed give one sequence. The seed is any number; it is read as a 32-bit integer. */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  };
  for (let round = 0; round < 12; round++) next();
  return { next };
}
