/** Numbers, within their file, of the blocks a run touches. */
export function blocksOf(
  run: { readonly fileOffset: number; readonly lengthBytes: number },
  blockSize: number,
): number[] {
  const first = Math.floor(run.fileOffset / blockSize);
  const last = Math.floor((run.fileOffset + Math.max(1, run.lengthBytes) - 1) / blockSize);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** `block 7`, `blocks 16 to 31`, `blocks 3, 9 and 12`. */
export function sayBlocks(blocks: readonly number[]): string {
  const first = blocks[0];
  const last = blocks.at(-1);
  if (first === undefined || last === undefined) return "no block";
  if (blocks.length === 1) return `block ${first}`;
  if (last - first === blocks.length - 1) return `blocks ${first} to ${last}`;
  const shown = blocks.slice(0, 20);
  return `blocks ${shown.slice(0, -1).join(", ")} and ${blocks.length > shown.length ? `${blocks.length - shown.length + 1} more` : shown.at(-1)}`;
}
