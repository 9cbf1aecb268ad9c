/** An `INCREMENTAL.<name>` file as a server sends it; block n is filled with its number. For tests. */
export function incrementalFile(file: {
  readonly blocks: readonly number[];
  readonly truncation: number;
  readonly blockSize: number;
}): Buffer {
  const { blocks, truncation, blockSize } = file;
  const numbered = 12 + blocks.length * 4;
  const headerBytes = blocks.length === 0 ? 12 : Math.ceil(numbered / blockSize) * blockSize;
  const bytes = Buffer.alloc(headerBytes + blocks.length * blockSize);
  for (const [index, word] of [0xd3ae1f0d, blocks.length, truncation, ...blocks].entries()) {
    bytes.writeUInt32LE(word, index * 4);
  }
  for (const [index, block] of blocks.entries()) {
    const at = headerBytes + index * blockSize;
    bytes.fill((block % 255) + 1, at, at + blockSize);
  }
  return bytes;
}
