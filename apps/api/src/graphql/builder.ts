import SchemaBuilder, { type EnumRef } from "@pothos/core";
import ComplexityPlugin from "@pothos/plugin-complexity";
import { GraphQLError } from "graphql";
import { formatLsn, parseLsn } from "../lsn-text.ts";
import type { GraphqlContext } from "./context.ts";

export interface BuilderTypes {
  Context: GraphqlContext;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    BigInt: { Input: bigint; Output: bigint };
    Lsn: { Input: bigint; Output: bigint };
    JSON: { Input: unknown; Output: unknown };
  };
}

export const builder = new SchemaBuilder<BuilderTypes>({
  plugins: [ComplexityPlugin],
  defaultFieldNullability: false,
});
export type Builder = typeof builder;
export type Types = Builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : never;

builder.scalarType("DateTime", {
  description: "A moment, as RFC 3339 in UTC.",
  serialize: (value) => value.toISOString(),
  parseValue: (value) => {
    const time = typeof value === "string" ? new Date(value) : new Date(Number.NaN);
    if (Number.isNaN(time.getTime())) throw new GraphQLError("a time as RFC 3339 is needed");
    return time;
  },
});

builder.scalarType("BigInt", {
  description: "A whole number as decimal text, in both directions: sizes in bytes pass what a JSON number holds.",
  serialize: (value) => value.toString(),
  parseValue: (value) => {
    if (typeof value === "string" && /^-?\d{1,30}$/.test(value)) return BigInt(value);
    throw new GraphQLError("a whole number as decimal text is needed");
  },
});

builder.scalarType("Lsn", {
  description: 'A place in the WAL as PostgreSQL prints it: "16/B374D848".',
  serialize: formatLsn,
  parseValue: (value) => {
    const lsn = typeof value === "string" ? parseLsn(value) : null;
    if (lsn === null) throw new GraphQLError('an LSN such as "16/B374D848" is needed');
    return lsn;
  },
});

builder.scalarType("JSON", {
  description: "Any JSON value.",
  serialize: (value) => value,
  parseValue: (value) => value,
});

/** An enum whose GraphQL names are our words in capitals: `read-only` is `READ_ONLY`. `values`: word → description. */
export function enumOf<Word extends string>(
  name: string,
  description: string,
  values: Readonly<Record<Word, string>>,
): EnumRef<Types, Word, Word> {
  const entries = Object.entries<string>(values).map(
    ([word, text]) => [word.toUpperCase().replaceAll("-", "_"), { value: word, description: text }] as const,
  );
  const ref: unknown = builder.enumType(name, { description, values: Object.fromEntries(entries) });
  return ref as EnumRef<Types, Word, Word>;
}
