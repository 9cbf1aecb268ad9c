import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RecoveryKitResult, type RunRequest } from "@tidemark/jobs";
import { AppError, newId } from "@tidemark/kit";
import type { RepositoryRow } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId, EntityName } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireRepository, requireRun } from "./requirements.ts";

/** The API seals it and cannot read it again; the worker parses it. */
export const StoreCredentialsText = z
  .string()
  .trim()
  .min(1)
  .max(20_000)
  .describe(
    "What opens an object store, as lines name = value (docs/object-stores.md); it is sealed for the workers. Left out: what the workers' environment has.",
  );

export const AddRepositoryInput = z.object({
  name: EntityName,
  url: z.string().trim().min(1, "say where, for example file:///srv/backups").max(4_096),
  encrypted: z.boolean().nullish().describe("Encrypt a new one; true when left out."),
  keyText: z.string().trim().min(1).max(20_000).nullish().describe("Opens a repository that already exists there."),
  storeCredentials: StoreCredentialsText.nullish(),
});

/**
 * Makes the row and starts the run that opens the repository there, or makes one. Asked again after a failure (a
 * mistyped folder, a forgotten mount), the row of the failed attempt is corrected instead.
 */
export function addRepository(services: Services, caller: Caller, input: unknown) {
  const act = { name: "addRepository", input: input as Record<string, unknown>, target: repositoryTarget(null) };
  return perform<{ runId: string; repositoryId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(AddRepositoryInput, input);
    const url = normaliseUrl(parsed.url);
    const encrypted = parsed.encrypted ?? true;
    const sealedKey = parsed.keyText == null ? null : await services.sealer.seal(parsed.keyText);
    const all = await services.metadata.repositories.all();
    const failed = all.find((one) => neverAttached(one) && (one.url === url || one.name === parsed.name));
    const sharing = all.find((one) => one.url === url && one !== failed);
    if (sharing !== undefined) throw badField("url", `repository ${sharing.name} is there already`);
    const id = failed?.id ?? newId("repository");
    scope.target(repositoryTarget(id));
    const sealedStoreCredentials = await sealCredentials(services, url, parsed.storeCredentials ?? null);
    const place = { name: parsed.name, url, encrypted, sealedStoreCredentials };
    const repository =
      failed === undefined
        ? await services.metadata.repositories.create({ id, ...place })
        : await services.metadata.repositories.attachElsewhere(id, place);
    const request: RunRequest<"attach-repository"> = { repositoryId: repository.id, url, encrypted, sealedKey };
    const run = await scope.startRun({ kind: "attach-repository", request, repositoryId: repository.id });
    return { runId: run.id, repositoryId: repository.id };
  });
}

function neverAttached(repository: RepositoryRow): boolean {
  return repository.formatId === null && repository.state !== "attaching";
}

/** Null: none were given. Refuses them for a folder. */
export async function sealCredentials(services: Services, url: string, text: string | null): Promise<string | null> {
  if (text === null) return null;
  if (url.startsWith("file:")) throw badField("storeCredentials", "a folder takes no credentials of a store");
  return await services.sealer.seal(text);
}

/** The place as a URL: an absolute path and its `file:` URL are one place. A bucket's parameters are the worker's to judge. */
function normaliseUrl(text: string): string {
  if (isAbsolute(text)) return pathToFileURL(text).href;
  if (/^(s3|az):\/\//.test(text)) return storeUrl(text);
  if (!text.startsWith("file:///")) {
    throw badField(
      "url",
      "only file:///absolute/path, an absolute path, s3://bucket/prefix and az://container/prefix are understood",
      "the folder is one of the worker's machine",
    );
  }
  try {
    return pathToFileURL(fileURLToPath(text)).href;
  } catch (cause) {
    throw new AppError("bad-request", {
      message: "the address does not name a folder",
      context: { field: "url" },
      cause,
    });
  }
}

function storeUrl(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null || parsed.hostname === "") throw badField("url", "the address names no bucket or container");
  // It is shown on every surface, kept in the log and the audit: what is secret has a field of its own.
  if (
    parsed.username !== "" ||
    parsed.password !== "" ||
    /[?&](sig|sas|secret|key|token)[^=&]*=/i.test(parsed.search)
  ) {
    throw badField("url", "an address holds no credentials: give them in their own field");
  }
  return parsed.href;
}

export const RepositoryInput = z.object({ repositoryId: EntityId });

const RecoveryKitInput = RepositoryInput.extend({ form: z.enum(["text", "page"]).nullish() });

/** Starts the run that packs the kit, sealed for a key made for this one download. */
export function requestRecoveryKit(services: Services, caller: Caller, input: unknown) {
  const act = { name: "requestRecoveryKit", input: input as Record<string, unknown>, target: targetOf(input) };
  return perform<{ runId: string; downloadToken: string }>(services, caller, act, async (scope) => {
    const { repositoryId, form } = parseInput(RecoveryKitInput, input);
    const repository = await requireRepository(services, repositoryId, "repositoryId");
    const pair = await services.sealer.makePair();
    const request: RunRequest<"recovery-kit"> = {
      repositoryId: repository.id,
      recipient: pair.publicKey,
      form: form ?? "text",
    };
    const run = await scope.startRun({ kind: "recovery-kit", request, repositoryId: repository.id });
    return { runId: run.id, downloadToken: pair.privateKey };
  });
}

/** The worker's check that opens the finding (apps/worker, repository-findings.ts). */
const kitCheck = "recovery-kit-unsaved";

/** The owner says the kit is safe; the finding that asks for it ends. */
export function confirmRecoveryKit(services: Services, caller: Caller, input: unknown) {
  const act = { name: "confirmRecoveryKit", input: input as Record<string, unknown>, target: targetOf(input) };
  return perform<{ repositoryId: string }>(services, caller, act, async () => {
    const repository = await requireRepository(
      services,
      parseInput(RepositoryInput, input).repositoryId,
      "repositoryId",
    );
    await services.metadata.repositories.confirmRecoveryKit(repository.id);
    // At once: the worker's next look at repositories may be minutes away, and the page would go on asking.
    await services.metadata.findings.record({ kind: "repository", repositoryId: repository.id }, [kitCheck], []);
    return { repositoryId: repository.id };
  });
}

export const KitDownloadInput = z.object({
  repositoryId: EntityId,
  run: EntityId,
  downloadToken: z.string().min(1).max(1_000),
});

export interface RecoveryKitFile {
  readonly fileName: string;
  readonly text: string;
}

/** Opens the kit of a finished run, once and within an hour of its end. Only who asked for it has the token that opens it. */
export async function downloadRecoveryKit(services: Services, caller: Caller, input: unknown) {
  const parsed = parseInput(KitDownloadInput, input);
  let file: RecoveryKitFile | undefined;
  const act = {
    name: "downloadRecoveryKit",
    input: { repositoryId: parsed.repositoryId, run: parsed.run },
    target: repositoryTarget(parsed.repositoryId),
  };
  const outcome = await perform(services, caller, act, async () => {
    const run = await requireRun(services, parsed.run, "run");
    if (run.kind !== "recovery-kit" || run.repositoryId !== parsed.repositoryId || run.state !== "succeeded") {
      throw badField("run", `run ${run.id} has no recovery kit of this repository`);
    }
    const endedMs = run.finishedAt?.getTime() ?? 0;
    if (services.clock.now().getTime() - endedMs > kitLifetimeMs) throw spent("its hour is over");
    const { sealedKit, fileName } = RecoveryKitResult.parse(run.result);
    const text = await services.sealer.open(parsed.downloadToken, sealedKit);
    // Taken after it could be opened, so that a wrong token does not use it up.
    const key = { principal: "recovery-kit", key: run.id, requestHash: "0".repeat(64) };
    const taken = await services.metadata.idempotency.begin(key);
    if (taken.kind === "replay") throw spent("it was downloaded already");
    await services.metadata.idempotency.complete(key, true);
    file = { fileName, text };
    return { repositoryId: parsed.repositoryId };
  });
  if (!outcome.ok) throw outcome.error;
  if (file === undefined) throw new Error("the kit was opened and is not there");
  return file;
}

function spent(why: string): AppError {
  return new AppError("not-found", {
    message: `this recovery kit cannot be downloaded any more: ${why}`,
    hint: "ask for a new one; it holds the same keys",
  });
}

function targetOf(input: unknown) {
  const { repositoryId } = input as { repositoryId?: unknown };
  return repositoryTarget(typeof repositoryId === "string" ? repositoryId : null);
}

function repositoryTarget(id: string | null) {
  return { kind: "repository", id };
}

/** Longer than any download takes, shorter than a day, after which the mark that it was used is forgotten. */
const kitLifetimeMs = 3_600_000;
