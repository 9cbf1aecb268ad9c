/** Slots Tidemark makes at a server (by a backup for its time, by a receiver for good) begin so. */
const ownSlotPrefix = "tidemark_";

export function isOwnSlot(name: string): boolean {
  return name === "tidemark" || name.startsWith(ownSlotPrefix);
}
