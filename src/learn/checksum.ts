const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/**
 * CRC-32 (IEEE 802.3) of bytes, eight at a time (Kounavis and Berry, "slicing-by-8", 2005): it finds
 * every error of up to 32 neighbouring bits.
 */
export function checksum(bytes: Uint8Array): number {
  const tables = createTables();
  const slice = (index: number, byte: number): number => tables[256 * index + byte] ?? 0;
  const even = bytes.length - (bytes.length % SLICES);
  let crc = 0xffffffff;
  for (let place = 0; place < even; place += SLICES) {
    const low = crc ^ wordAt(bytes, place);
    const high = wordAt(bytes, place + 4);
    crc =
      slice(7, low & 255) ^
      slice(6, (low >>> 8) & 255) ^
      slice(5, (low >>> 16) & 255) ^
      slice(4, low >>> 24) ^
      slice(3, high & 255) ^
      slice(2, (high >>> 8) & 255) ^
      slice(1, (high >>> 16) & 255) ^
      slice(0, high >>> 24);
  }
  for (let place = even; place < bytes.length; place++) {
    crc = (crc >>> 8) ^ slice(0, (crc ^ (bytes[place] ?? 0)) & 255);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function wordAt(bytes: Uint8Array, place: number): number {
  return (
    (bytes[place] ?? 0) |
    ((bytes[place + 1] ?? 0) << 8) |
    ((bytes[place + 2] ?? 0) << 16) |
    ((bytes[place + 3] ?? 0) << 24)
  );
}

/** Table s holds the checksum of each byte followed by s zero bytes. */
function createTables(): Uint32Array {
  const tables = new Uint32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 255] ?? 0);
  }
  return tables;
}
