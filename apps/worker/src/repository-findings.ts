import { formatBytes } from "@tidemark/kit";
import type { RepositoryRow, SeenFinding } from "@tidemark/metadata";

export const repositoryChecks = [
  "recovery-kit-unsaved",
  "repository-state",
  "repository-filling",
  "repository-shared-writes",
  "host-key-outdated",
] as const;

/** What needs a person about a repository, decided from its row. */
export function repositoryFindings(repository: RepositoryRow): readonly SeenFinding[] {
  const every = [recoveryKit, state, filling, sharedWrites, hostKeys];
  return every.map((look) => look(repository)).filter((finding) => finding !== null);
}

function recoveryKit(repository: RepositoryRow): SeenFinding | null {
  if (!repository.encrypted || repository.formatId === null || repository.recoveryKitSavedAt !== null) return null;
  return {
    checkId: "recovery-kit-unsaved",
    severity: "risk",
    title: `Save the recovery kit of ${repository.name}`,
    found: "the repository is encrypted, and its key is only on this machine",
    required: "the recovery kit kept somewhere else",
    why: "if this machine is lost, nothing can open the backups without it",
    actionLabel: "Download the recovery kit",
    actionPath: `/repositories/${repository.id}`,
  };
}

function state(repository: RepositoryRow): SeenFinding | null {
  if (repository.state === "ready" || repository.state === "attaching") return null;
  // A place that could not be attached holds nothing and nobody's backups go there; its run says what was wrong.
  if (repository.formatId === null) return null;
  return {
    checkId: "repository-state",
    severity: "blocks-backup",
    title: `The repository ${repository.name} ${stateWords[repository.state]}`,
    found: repository.stateDetail ?? `it ${stateWords[repository.state]}`,
    required: "a repository that can be written",
    why: "no backup can be stored in it",
    actionLabel: "Open the repository",
    actionPath: `/repositories/${repository.id}`,
  };
}

function filling(repository: RepositoryRow): SeenFinding | null {
  const { freeBytes, totalBytes } = repository;
  if (freeBytes === null || totalBytes === null || totalBytes === 0n || repository.state === "full") return null;
  if (freeBytes * 10n >= totalBytes) return null;
  return {
    checkId: "repository-filling",
    severity: "risk",
    title: `The disk of ${repository.name} is nearly full`,
    found: `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free`,
    required: "a tenth free",
    why: "the next backup may not fit",
    actionLabel: "Open the repository",
    actionPath: `/repositories/${repository.id}`,
  };
}

function sharedWrites(repository: RepositoryRow): SeenFinding | null {
  if (repository.exclusiveCreate !== false || repository.formatId === null) return null;
  return {
    checkId: "repository-shared-writes",
    severity: "note",
    title: `Use ${repository.name} from one control plane only`,
    found: "its store cannot refuse a second object under a key",
    required: "a store that creates exclusively, or one control plane only",
    why: "two control planes that write there at once could replace each other's objects",
    actionLabel: "Open the repository",
    actionPath: `/repositories/${repository.id}`,
  };
}

/**
 * Keys of database hosts that a rotation could not reach: only they hold them. A host goes on archiving with its own and
 * would be stopped in a recovery, by the first segment that a worker received or copied since.
 */
function hostKeys({ id, name, keySlots }: RepositoryRow): SeenFinding | null {
  const ofHosts = (keySlots ?? []).filter(({ walOf }) => walOf != null);
  const current = new Set(ofHosts.filter((slot) => slot.current).map(({ ownerId }) => ownerId));
  const old = new Map(ofHosts.filter(({ ownerId }) => !current.has(ownerId)).map((slot) => [slot.ownerId, slot]));
  if (old.size === 0) return null;
  const who = [...old.values()].map(({ ownerId, label, walOf }) => `${label ?? `a host of ${walOf}`} (key ${ownerId})`);
  return {
    checkId: "host-key-outdated",
    severity: "risk",
    title: `Give ${old.size === 1 ? "a database host" : `${old.size} database hosts`} a new key of ${name}`,
    found: `from before the last rotation of ${name}: ${who.join(", ")}`,
    required: "settings that were written after the rotation, and the old key removed",
    why: "the host goes on archiving, but it cannot read what a worker stores of its server's WAL since: a recovery there stops at it",
    remedy: {
      advice:
        "on the host run `tidemark server host-config SERVER --to FILE --replace` with the file it has, " +
        `then \`tidemark repository key remove ${name} KEY\` for the old one`,
    },
    actionLabel: "Open the repository",
    actionPath: `/repositories/${id}`,
  };
}

const stateWords = {
  unreachable: "cannot be reached",
  "read-only": "cannot be written",
  full: "is full",
  failed: "does not work",
} as const;
