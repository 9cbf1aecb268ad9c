import { complexityFromQuery } from "@pothos/plugin-complexity";
import { AppError } from "@tidemark/kit";
import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import type { GraphqlContext } from "./context.ts";

/** What one operation may ask. Measured on 2026-11-21: the home page with 100 servers costs 2,700 at depth 4. */
export const operationLimits = { depth: 12, cost: 50_000 } as const;

export interface AskedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: GraphqlContext;
}

/**
 * The rules every operation must pass before anything of it is executed, on POST, GET and the event stream alike:
 * who may ask, how deep, how costly. Throws `not-authenticated`, `query-too-deep` or `query-too-costly`.
 */
export function checkOperation(asked: AskedOperation): void {
  const operation = getOperationAST(asked.document, asked.operationName);
  if (operation == null) throw new AppError("bad-request", { message: "name the operation that is meant" });
  if (asked.context.principal === null) requireOpenOperation(asked.document, operation);
  const fragments = asked.document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION);
  const { depth, complexity } = complexityFromQuery(
    { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] },
    { schema: asked.schema, ctx: asked.context, variables: { ...asked.variables } },
  );
  if (depth > operationLimits.depth) {
    throw new AppError("query-too-deep", {
      message: `the operation is ${depth} levels deep; at most ${operationLimits.depth} are answered`,
      hint: "ask for the inner rows by their ids in an operation of their own",
      context: { depth },
    });
  }
  if (complexity > operationLimits.cost) {
    throw new AppError("query-too-costly", {
      message: `the operation costs ${complexity}; at most ${operationLimits.cost} are answered`,
      hint: "ask for smaller pages or fewer fields; a list inside a list costs the most",
      context: { cost: complexity },
    });
  }
}

/** Without a login only `viewer` answers, and the schema stays closed too. */
function requireOpenOperation(document: DocumentNode, operation: OperationDefinitionNode): void {
  const open =
    operation.operation === "query" &&
    rootFields(document, operation.selectionSet).every((name) => openFields.has(name));
  if (!open) throw new AppError("not-authenticated", { message: "log in first, or send an API token" });
}

const openFields: ReadonlySet<string> = new Set(["viewer", "__typename"]);

/** Names of the fields a selection asks for, through fragments; validation has refused cyclic ones before. */
function rootFields(document: DocumentNode, selectionSet: SelectionSetNode): readonly string[] {
  return selectionSet.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection.name.value];
    if (selection.kind === Kind.INLINE_FRAGMENT) return rootFields(document, selection.selectionSet);
    const fragment = document.definitions.find(
      (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
    );
    return fragment?.kind === Kind.FRAGMENT_DEFINITION ? rootFields(document, fragment.selectionSet) : [];
  });
}
