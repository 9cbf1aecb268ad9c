import { AppError } from "@tidemark/kit";
import type { SeenFinding, Server } from "@tidemark/metadata";
import type { WalArchive, WalContradiction, WalEntry } from "@tidemark/repository";

/** Pieces beside a whole segment that say something else. */
export interface ContradictedSegment extends WalContradiction {
  readonly name: string;
}

/** Looks for them while an archive is listed: a timeline's pieces come before or behind its segments. */
export class PieceCheck {
  readonly #pieces = new Set<string>();
  readonly #segments = new Set<string>();

  note({ kind, name }: Pick<WalEntry, "kind" | "name">): void {
    if (kind === "segment") this.#segments.add(name);
    if (kind === "partial") this.#pieces.add(name.slice(0, -".partial".length));
  }

  /** Reads those of which both are there: a few, of writers that died or were taken for dead. */
  async contradicted(archive: WalArchive): Promise<readonly ContradictedSegment[]> {
    const found: ContradictedSegment[] = [];
    for (const name of this.#pieces) {
      const contradiction = this.#segments.has(name) ? await contradictionOf(archive, name) : null;
      if (contradiction !== null) found.push({ name, ...contradiction });
    }
    return found;
  }
}

/** Of a segment that cannot be read itself nothing is said here: verifications and the mirror's log tell of it. */
async function contradictionOf(archive: WalArchive, name: string): Promise<WalContradiction | null> {
  try {
    const described = await archive.describe(name);
    return described === null ? null : await archive.contradiction(described.place);
  } catch (error) {
    if (error instanceof AppError && (error.code === "wal-damaged" || error.code === "wal-conflict")) return null;
    throw error;
  }
}

export const pieceChecks = ["wal-pieces-differ"] as const;

/** That two wrote under one name, for a person to find out who: nothing that is restored is in doubt by it. */
export function pieceFindings(
  server: Pick<Server, "id" | "name">,
  contradicted: readonly ContradictedSegment[],
): readonly SeenFinding[] {
  const [first] = contradicted;
  if (first === undefined) return [];
  const more = contradicted.length === 1 ? "" : `, and of ${contradicted.length - 1} more segments`;
  const pieces = first.pieces === 1 ? "1 object" : `${first.pieces} objects`;
  return [
    {
      checkId: "wal-pieces-differ",
      severity: "risk",
      title: `Two wrote the same WAL of ${server.name}, and differ`,
      found: `beside the whole segment ${first.name} there ${first.pieces === 1 ? "is" : "are"} ${pieces} of another writer: ${first.sentence}${more}`,
      required: "one server that writes a timeline",
      why: "what is stored whole is safe: restores use it alone. The pieces are in no restore and stay as evidence until retention removes the segment. Two servers that write one timeline, such as a primary that went on after its standby was started as a copy of it, have parted, and only the one whose segments came first is kept",
      remedy: {
        advice:
          "see whether another server with this system identifier runs and archives or is streamed from here; stop it, or give it a server of its own in Tidemark",
      },
      actionLabel: "See its WAL",
      actionPath: `/servers/${server.id}/wal`,
    },
  ];
}
