export type SearchParams = Promise<Readonly<Record<string, string | string[] | undefined>>>;

/** One value of a parameter of the address, or null. */
export async function readParam(params: SearchParams, name: string): Promise<string | null> {
  const value = (await params)[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** The value when it is one of those allowed; an address is typed by hand, too. */
export function oneOf<T extends string>(allowed: readonly T[], value: string | null): T | null {
  return allowed.find((item) => item === value) ?? null;
}
