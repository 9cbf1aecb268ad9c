import {
  type GraphQLArgument,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isNullableType,
  isObjectType,
} from "graphql";
import { describe, expect, it } from "vitest";
import { buildSchema } from "./schema.ts";

const types = Object.values(buildSchema().getTypeMap()).filter((type) => !type.name.startsWith("__"));
const builtIn = new Set(["Boolean", "Float", "ID", "Int", "String"]);

describe("the schema", () => {
  it("describes every type, field, argument and enum value", () => {
    const missing = types.flatMap((type) => {
      if (builtIn.has(type.name)) return [];
      const own = type.description ? [] : [type.name];
      if (isEnumType(type))
        return [
          ...own,
          ...type.getValues().flatMap((value) => (value.description ? [] : [`${type.name}.${value.name}`])),
        ];
      if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return own;
      const fields = Object.values(type.getFields()).flatMap((field) => [
        ...(field.description ? [] : [`${type.name}.${field.name}`]),
        ...argumentsOf(field).flatMap((arg) => (arg.description ? [] : [`${type.name}.${field.name}(${arg.name})`])),
      ]);
      return [...own, ...fields];
    });
    expect(missing).toEqual([]);
  });

  it("lets every mutation say why it was refused", () => {
    const mutation = types.find((type) => type.name === "Mutation");
    if (!isObjectType(mutation)) throw new Error("there are no mutations");
    for (const field of Object.values(mutation.getFields())) {
      expect(field.args.map((arg) => arg.name)).toEqual(["input"]);
      const payload = getNamedType(field.type);
      if (!isObjectType(payload)) throw new Error(`${field.name} has no payload`);
      expect(isNullableType(payload.getFields().userErrors?.type), field.name).toBe(false);
    }
  });
});

function argumentsOf(field: object): readonly GraphQLArgument[] {
  return "args" in field ? (field.args as readonly GraphQLArgument[]) : [];
}
