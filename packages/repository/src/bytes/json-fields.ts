/** Reads fields of parsed JSON by type. A field that is missing or of another type throws; readers turn that into damage. */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("not a JSON object");
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  static parse(bytes: Uint8Array): JsonFields {
    return new JsonFields(JSON.parse(Buffer.from(bytes).toString("utf8")));
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string") throw new TypeError(`${name} is not a text`);
    return value;
  }

  textOrNull(name: string): string | null {
    return this.isNull(name) ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError(`${name} is not a number`);
    return value;
  }

  numberOrNull(name: string): number | null {
    return this.isNull(name) ? null : this.number(name);
  }

  boolean(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== "boolean") throw new TypeError(`${name} is not true or false`);
    return value;
  }

  /** Decimal text, since JSON numbers lose precision beyond 2^53. */
  bigint(name: string): bigint {
    const value = this.text(name);
    if (!/^\d+$/.test(value)) throw new TypeError(`${name} is not a decimal number`);
    return BigInt(value);
  }

  bigintOrNull(name: string): bigint | null {
    return this.isNull(name) ? null : this.bigint(name);
  }

  date(name: string): Date {
    const value = new Date(this.text(name));
    if (Number.isNaN(value.getTime())) throw new TypeError(`${name} is not a time`);
    return value;
  }

  bytes(name: string): Uint8Array {
    return new Uint8Array(Buffer.from(this.text(name), "base64"));
  }

  object(name: string): JsonFields {
    return new JsonFields(this.#fields[name]);
  }

  list<T>(name: string, read: (item: unknown) => T): T[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value.map(read);
  }

  /** Whether it is there at all: fields that came later are missing in what was written before. */
  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  isNull(name: string): boolean {
    return this.#fields[name] === null || this.#fields[name] === undefined;
  }
}

export function asText(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
}

export function asNumber(value: unknown): number {
  if (typeof value !== "number") throw new TypeError("not a number");
  return value;
}

export function jsonBytes(value: unknown, indent = 0): Uint8Array {
  return new Uint8Array(Buffer.from(`${JSON.stringify(value, null, indent)}${indent > 0 ? "\n" : ""}`, "utf8"));
}
