import type { RunRequest } from "@tidemark/jobs";
import type { KeySlotRow } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type ActScope, type Caller, perform } from "./perform.ts";
import { StoreCredentialsText, sealCredentials } from "./repositories.ts";
import { requireRepository, requireServer } from "./requirements.ts";

type KeyAct = RunRequest<"repository-keys">["act"];

const Label = z.string().trim().min(1).max(200).nullish().describe("Whose key it is, for lists.");
const PlanHash = z.string().max(64).nullish().describe("Of the plan that was shown; left out, the run only plans.");

export const ListRepositoryKeysInput = z.object({ repositoryId: EntityId });
const NewKey = z.object({
  recipient: z.string().trim().min(1).max(200).nullish().describe("An age recipient (age1…)."),
  passphrase: z.string().min(8, "at least 8 characters").max(1_000).nullish().describe("A passphrase."),
  keyText: z.string().trim().min(1).max(20_000).nullish().describe("The text of a key file."),
});
export const AddRepositoryKeyInput = NewKey.extend({
  repositoryId: EntityId,
  label: Label,
  walOf: EntityId.nullish().describe("A server: the key file opens that server's WAL and nothing else."),
});
export const RewrapRepositoryKeyInput = NewKey.extend({
  repositoryId: EntityId,
  oldKeyText: z.string().min(1).max(20_000).describe("The passphrase or key file that opens it so far."),
});
export const RemoveRepositoryKeyInput = z.object({
  repositoryId: EntityId,
  ownerId: EntityId.describe("ownerId of its slots."),
  planHash: PlanHash,
});
export const RotateRepositoryKeysInput = z.object({
  repositoryId: EntityId,
  planHash: PlanHash,
  keyTexts: z
    .array(z.string().min(1).max(20_000))
    .max(20)
    .nullish()
    .describe("Key files and passphrases of others, who get the new data key too. Recipients need none."),
});

/** Each starts a run whose result has the key slots, and the plan where it only planned. */
export function listRepositoryKeys(services: Services, caller: Caller, input: unknown) {
  return keyRun(services, caller, "listRepositoryKeys", input, async (scope) => {
    const { repositoryId } = parseInput(ListRepositoryKeysInput, input);
    return start(scope, repositoryId, { kind: "list" });
  });
}

export function addRepositoryKey(services: Services, caller: Caller, input: unknown) {
  return keyRun(services, caller, "addRepositoryKey", input, async (scope) => {
    const { repositoryId, label, walOf, ...key } = parseInput(AddRepositoryKeyInput, input);
    if (walOf != null && key.keyText == null) throw badField("walOf", "only a key file can open the WAL of one server");
    if (walOf != null) await requireServer(services, walOf, "walOf");
    const about = { label: label ?? null, walOf: walOf ?? null };
    return start(scope, repositoryId, { kind: "add", ...about, ...(await sealNewKey(services, key)) });
  });
}

/** What a key slot opens, for people. A server that is gone is called by its id. */
export async function whatKeyOpens(services: Services, { walOf }: Pick<KeySlotRow, "walOf">): Promise<string> {
  if (walOf == null) return "everything";
  return `WAL of ${(await services.metadata.servers.get(walOf))?.name ?? walOf}`;
}

/** A new key of the same person instead of the old one, which opens nothing afterwards. */
export function rewrapRepositoryKey(services: Services, caller: Caller, input: unknown) {
  return keyRun(services, caller, "rewrapRepositoryKey", input, async (scope) => {
    const { repositoryId, oldKeyText, ...key } = parseInput(RewrapRepositoryKeyInput, input);
    const sealedOldKey = await services.sealer.seal(oldKeyText);
    return start(scope, repositoryId, { kind: "rewrap", sealedOldKey, ...(await sealNewKey(services, key)) });
  });
}

async function sealNewKey(services: Services, { recipient, passphrase, keyText }: z.infer<typeof NewKey>) {
  const given = [recipient, passphrase, keyText].filter((one) => one != null);
  if (given.length !== 1) throw badField("recipient", "exactly one of recipient, passphrase and keyText is needed");
  const secret = passphrase ?? keyText ?? null;
  const keyKind = passphrase != null ? ("passphrase" as const) : keyText != null ? ("key-file" as const) : null;
  const sealedKey = secret === null ? null : await services.sealer.seal(secret);
  return { recipient: recipient ?? null, sealedKey, keyKind };
}

export function removeRepositoryKey(services: Services, caller: Caller, input: unknown) {
  return keyRun(services, caller, "removeRepositoryKey", input, async (scope) => {
    const { repositoryId, ownerId, planHash } = parseInput(RemoveRepositoryKeyInput, input);
    return start(scope, repositoryId, { kind: "remove", ownerId, planHash: planHash ?? null });
  });
}

export function rotateRepositoryKeys(services: Services, caller: Caller, input: unknown) {
  return keyRun(services, caller, "rotateRepositoryKeys", input, async (scope) => {
    const { repositoryId, planHash, keyTexts } = parseInput(RotateRepositoryKeysInput, input);
    const sealedKeys = await Promise.all((keyTexts ?? []).map((text) => services.sealer.seal(text)));
    return start(scope, repositoryId, { kind: "rotate", planHash: planHash ?? null, sealedKeys });
  });
}

/** What the repository package's `parseCompression` takes, which this process has no use for otherwise. */
const compressionPattern = /^(zstd:(1[0-9]|[1-9])|gzip:[1-9]|lz4|none|auto)$/;

export const UpdateRepositoryInput = z.object({
  repositoryId: EntityId,
  compression: z
    .string()
    .trim()
    .toLowerCase()
    .regex(compressionPattern, "zstd:1 to zstd:19, gzip:1 to gzip:9, lz4, none or auto is understood")
    .nullish()
    .describe("How frames of new backups are compressed; as before when left out."),
  storeCredentials: StoreCredentialsText.nullish(),
});

/**
 * Compression counts from the next backup on; what is stored stays as it is, and is restored as before. Credentials count
 * from the next time the repository is opened.
 */
export function updateRepository(services: Services, caller: Caller, input: unknown) {
  const act = { name: "updateRepository", input: input as Record<string, unknown>, target: targetOf(input) };
  return perform<{ repositoryId: string }>(services, caller, act, async () => {
    const { repositoryId, compression, storeCredentials } = parseInput(UpdateRepositoryInput, input);
    const repository = await requireRepository(services, repositoryId, "repositoryId");
    const { repositories } = services.metadata;
    const sealed = await sealCredentials(services, repository.url, storeCredentials ?? null);
    if (compression != null) await repositories.setCompression(repository.id, compression);
    if (sealed !== null) await repositories.setStoreCredentials(repository.id, sealed);
    return { repositoryId: repository.id };
  });
}

function keyRun(
  services: Services,
  caller: Caller,
  name: string,
  input: unknown,
  body: (scope: ActScope) => Promise<{ runId: string }>,
) {
  const act = { name, input: input as Record<string, unknown>, target: targetOf(input) };
  return perform<{ runId: string }>(services, caller, act, body);
}

async function start(scope: ActScope, id: string, act: KeyAct): Promise<{ runId: string }> {
  const repository = await requireRepository(scope.services, id, "repositoryId");
  if (!repository.encrypted)
    throw badField("repositoryId", `repository ${repository.name} is not encrypted: it has no keys`);
  const request: RunRequest<"repository-keys"> = { repositoryId: repository.id, act };
  const run = await scope.startRun({ kind: "repository-keys", request, repositoryId: repository.id });
  return { runId: run.id };
}

function targetOf(input: unknown) {
  const { repositoryId } = input as { repositoryId?: unknown };
  return { kind: "repository", id: typeof repositoryId === "string" ? repositoryId : null };
}
