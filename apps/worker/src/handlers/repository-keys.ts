import type { RepositoryKeysResult, RunRequest } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import {
  type KeyChange,
  type KeyOwner,
  type KeySlot,
  keyOwnerText,
  keyPlanHash,
  type NewKeyOwner,
  type Repository,
  type RepositoryKey,
  type RepositoryKeys,
  repositoryKeyFromText,
} from "@tidemark/repository";
import { keySlotRows, mirrorKeySlots } from "../mirror-key-slots.ts";
import { openRegisteredRepository } from "../open-repository.ts";
import type { RunContext, RunHandler } from "../run-context.ts";
import { isSameKey } from "../same-key.ts";

type KeyAct = RunRequest<"repository-keys">["act"];
type Context = RunContext<"repository-keys">;
type Done = Partial<Pick<RepositoryKeysResult, "plan" | "added" | "removed">>;

/** Lists, adds, replaces, removes or rotates the keys of a repository, and brings its row's slots up to date whatever came of it. */
export const repositoryKeysHandler: RunHandler<"repository-keys"> = async (context) => {
  const { request, deps } = context;
  const repository = await openRegisteredRepository(deps, request.repositoryId);
  try {
    const keys = keysOf(repository);
    let done: Done;
    try {
      done = await carryOut(context, keys, request.act);
    } finally {
      await mirrorKeySlots(deps, request.repositoryId, repository);
    }
    const { slots, notes } = await keys.list();
    const names = await serverNames(deps, slots);
    const result: RepositoryKeysResult = {
      slots: keySlotRows(slots).map(({ walOf = null, ...slot }) => ({ ...slot, walOf, opens: opens(walOf, names) })),
      notes: [...notes],
      plan: done.plan ?? null,
      added: done.added ?? [],
      removed: done.removed ?? [],
    };
    return { kind: "done", result };
  } finally {
    await repository.close();
  }
};

function keysOf(repository: Repository): RepositoryKeys {
  if (repository.keys !== null) return repository.keys;
  throw new AppError("bad-request", {
    message: "the repository is not encrypted, so it has no keys",
    hint: "encryption is chosen when a repository is made; copy the backups to an encrypted one",
  });
}

async function serverNames(
  { metadata }: Context["deps"],
  slots: readonly Pick<KeySlot, "walOf">[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const { walOf } of slots) {
    const server = walOf === null || names.has(walOf) ? null : await metadata.servers.get(walOf);
    if (server !== null) names.set(server.id, server.name);
  }
  return names;
}

/** A server that is gone is called by its id. */
function opens(walOf: string | null, names: ReadonlyMap<string, string>): string {
  return walOf === null ? "everything" : `WAL of ${names.get(walOf) ?? walOf}`;
}

function carryOut(context: Context, keys: RepositoryKeys, act: KeyAct): Promise<Done> {
  switch (act.kind) {
    case "list":
      return Promise.resolve({});
    case "add":
      return add(context, keys, act);
    case "rewrap":
      return rewrap(context, keys, act);
    case "remove":
      return remove(context, keys, act);
    case "rotate":
      return rotate(context, keys, act);
  }
}

async function add({ control, deps }: Context, keys: RepositoryKeys, act: KeyAct & { kind: "add" }): Promise<Done> {
  control.emit({ kind: "phase", phase: "keys", message: "making slots for the new key" });
  return changed(await keys.add(await ownerOf(deps, act), act.label, act.walOf ?? null));
}

/** Not of the key that the workers have: they would have to be given the new one in the same moment. */
async function rewrap(
  { control, deps, request }: Context,
  keys: RepositoryKeys,
  act: KeyAct & { kind: "rewrap" },
): Promise<Done> {
  const old = repositoryKeyFromText(await deps.key.open(act.sealedOldKey));
  const { sealedKey } = await deps.metadata.repositories.credentials(request.repositoryId);
  const own = sealedKey === null ? null : repositoryKeyFromText(await deps.key.open(sealedKey));
  if (own !== null && isSameKey(own, old)) {
    throw new AppError("key-slot-needed", {
      message: "the key was not replaced: it is the key with which this control plane opens the repository",
      hint: "nothing was changed; a rotation gives what is stored from now on a new data key",
    });
  }
  control.emit({
    kind: "phase",
    phase: "keys",
    message: "making slots for the new key, then removing those of the old",
  });
  return changed(await keys.rewrap(old, await ownerOf(deps, act)));
}

async function ownerOf(deps: Context["deps"], act: KeyAct & { kind: "add" | "rewrap" }): Promise<NewKeyOwner> {
  if (act.recipient !== null) return { kind: "age-recipient", recipient: act.recipient };
  if (act.sealedKey === null || act.keyKind === null) {
    throw new AppError("bad-request", { message: "neither a recipient nor a key was given" });
  }
  const text = await deps.key.open(act.sealedKey);
  if (act.keyKind === "passphrase") return { kind: "passphrase", text };
  const key = repositoryKeyFromText(text);
  return { kind: "key-file", text: key.text };
}

async function remove(
  { control, deps, request }: Context,
  keys: RepositoryKeys,
  act: KeyAct & { kind: "remove" },
): Promise<Done> {
  const plan = await keys.planRemoval({ ownerId: act.ownerId });
  const own = plan.slots.some((slot) => slot.opened)
    ? ["it is the key with which this control plane opens the repository"]
    : [];
  const row = await deps.metadata.repositories.get(request.repositoryId);
  const refusals = [...own, ...plan.refusals];
  const planHash = keyPlanHash(plan);
  if (act.planHash === null) {
    const [first] = plan.slots;
    const who = first === undefined ? "nobody" : keyOwnerText(first);
    const sentences = [
      `${who} no longer opens ${row?.name ?? "the repository"}: ${plan.slots.length} key slots are removed`,
      first?.walOf == null
        ? "whoever has used this key knows the data keys it opened: rotate as well when it may be in wrong hands"
        : "whoever has copied this key goes on opening the WAL that is there: rotate as well when it may be in wrong hands",
      ...plan.forgottenKeyIds.map((keyId) => `data key ${keyId} is forgotten: nothing is sealed with it`),
    ];
    return { plan: { planHash, sentences, refusals } };
  }
  const [refusal] = refusals;
  if (refusal !== undefined) {
    throw new AppError("key-slot-needed", {
      message: `the key was not removed: ${refusal}`,
      hint: "nothing was changed",
    });
  }
  assertPlan(act.planHash, planHash);
  control.emit({ kind: "phase", phase: "keys", message: `removing ${plan.slots.length} key slots` });
  return changed(await keys.remove(plan));
}

async function rotate(
  { control, deps }: Context,
  keys: RepositoryKeys,
  act: KeyAct & { kind: "rotate" },
): Promise<Done> {
  const given: RepositoryKey[] = [];
  for (const sealed of act.sealedKeys) given.push(repositoryKeyFromText(await deps.key.open(sealed)));
  const plan = await keys.planRotation(given);
  const planHash = keyPlanHash(plan);
  if (act.planHash === null) {
    const sentences = [
      "what is stored from now on is sealed with a new data key; nothing that is stored is written again",
      `it is opened by: ${plan.wrap.map(keyOwnerText).join(", ")}`,
      ...plan.leave.map(leftSentence),
    ];
    return { plan: { planHash, sentences, refusals: [] } };
  }
  assertPlan(act.planHash, planHash);
  control.emit({ kind: "phase", phase: "keys", message: "making slots with a new data key" });
  return changed(await keys.rotate(plan, given));
}

/** What becomes of a key that could not be wrapped for. */
function leftSentence(owner: KeyOwner): string {
  if (owner.walOf === null) return `${keyOwnerText(owner)} opens what is there now and no backup made afterwards`;
  return (
    `${keyOwnerText(owner)}, goes on sealing and opening WAL with the key it has, and does not open what others store of ` +
    "it afterwards: run `tidemark server host-config` again for that host"
  );
}

function changed({ added, removed }: KeyChange): Done {
  return { added: [...added], removed: [...removed] };
}

function assertPlan(shown: string, now: string): void {
  if (shown === now) return;
  throw new AppError("plan-stale", {
    message: "the keys are others than in the plan that was shown",
    hint: "nothing was changed; look at the plan again",
  });
}
