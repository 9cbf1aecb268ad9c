/** A row that a foreign key promises. */
export async function requiredRow<Row>(row: Promise<Row | null>, what: string): Promise<Row> {
  const found = await row;
  if (found === null) throw new Error(`${what} is missing although a row points at it`);
  return found;
}
