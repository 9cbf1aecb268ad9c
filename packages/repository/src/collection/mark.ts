import { AppError } from "@tidemark/kit";
import type { JsonFields } from "../bytes/json-fields.ts";
import { assertId, marksPrefix, nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getFacts, putFacts } from "../seal/facts-object.ts";
import type { Mark, MarkKind, NewMark } from "../types.ts";

const markKinds: readonly MarkKind[] = ["hold", "release", "note", "deletion", "verified", "damaged", "proven"];

/** All marks of a backup, oldest first. */
export async function readMarks(context: RepositoryContext, serverId: string, about: string): Promise<readonly Mark[]> {
  assertId(about, "backup id");
  const marks: Mark[] = [];
  for await (const { key } of context.store.list(marksPrefix(serverId, about))) {
    // Null: deleted since it was listed.
    const mark = await getFacts(context, key, (fields) => decodeMark(nameOf(key), fields));
    if (mark !== null) marks.push(mark);
  }
  return marks.sort((a, b) => a.at.getTime() - b.at.getTime() || (a.markId < b.markId ? -1 : 1));
}

export async function putMark(
  context: RepositoryContext,
  serverId: string,
  about: string,
  mark: NewMark,
): Promise<Mark> {
  assertId(about, "backup id");
  const markId = context.newId("mark");
  await context.step("mark:before-put");
  const { kind, text, by, at } = mark;
  await putFacts(context, `${marksPrefix(serverId, about)}${markId}`, { kind, text, by, at });
  await context.step("mark:after-put");
  return { markId, kind, text, by, at };
}

/**
 * Removes what `newest` says again: of verifications only the newest counts, and one each night would make every look at
 * the catalogue longer than the one before. Where they cannot be removed now they stay, and the next one tries again.
 */
export async function removeEarlierMarks(
  context: RepositoryContext,
  serverId: string,
  about: string,
  newest: Mark,
): Promise<void> {
  try {
    for (const { markId, kind, at } of await readMarks(context, serverId, about)) {
      if (kind !== newest.kind || markId === newest.markId || at > newest.at) continue;
      await context.store.delete(`${marksPrefix(serverId, about)}${markId}`);
    }
  } catch (error) {
    // The mark itself is there, and more of them do no harm.
    if (!(error instanceof AppError)) throw error;
  }
}

/** The newest of hold and release decides. */
export function isHeld(marks: readonly Mark[]): boolean {
  return marks.findLast(({ kind }) => kind === "hold" || kind === "release")?.kind === "hold";
}

function decodeMark(markId: string, fields: JsonFields): Mark {
  const kind = fields.text("kind");
  const known = markKinds.find((name) => name === kind);
  if (known === undefined) throw new TypeError(`a mark of kind ${kind} is unknown`);
  return { markId, kind: known, text: fields.text("text"), by: fields.text("by"), at: fields.date("at") };
}
