/** `Math.min` and `Math.max` take no bigint. */
export function earlierOf(left: bigint, right: bigint): bigint {
  if (left < right) return left;
  return right;
}

export function laterOf(left: bigint, right: bigint): bigint {
  if (left > right) return left;
  return right;
}

export function compareLsn(left: bigint, right: bigint): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
