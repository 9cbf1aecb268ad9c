import { open, rename, rm } from "node:fs/promises";
import { AppError, type Clock } from "@tidemark/kit";
import { fetchWalFile } from "../../recovery/fetch-wal-file.ts";
import { requireOrigin } from "../wal-origin.ts";
import { untilAsked } from "./until-asked.ts";
import type { WalPlaces } from "./wal-places.ts";

export interface FetchWalDeps {
  readonly places: WalPlaces;
  readonly clock: Clock;
}

export interface FetchWalRequest {
  /** As PostgreSQL asks for it, `%f`. */
  readonly name: string;
  /** Where it wants it, `%p`. */
  readonly to: string;
  readonly dataDirectory: string;
  /** Whether what there is of a segment, filled up with zeros, will do where the whole is missing. */
  readonly partial: boolean;
  /** How long a repository that cannot be asked is asked again, in ms. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
}

/**
 * Fetches one WAL file straight from the repository. `not-there`: the repository was asked and has none. Everything else
 * is thrown, and is no answer: a recovery that took it for one would end too early.
 */
export async function fetchWal(deps: FetchWalDeps, request: FetchWalRequest): Promise<"found" | "not-there"> {
  const { retryMs, signal } = request;
  const found = await untilAsked(() => fetchOnce(deps, request), { retryMs, signal, clock: deps.clock });
  return found ? "found" : "not-there";
}

async function fetchOnce(deps: FetchWalDeps, request: FetchWalRequest): Promise<boolean> {
  const origin = await requireOrigin(request.dataDirectory);
  await deps.places.assertServes(origin);
  const { name, to, partial, signal } = request;
  const archive = deps.places.wal(origin.systemIdentifier);
  const { segmentSizeBytes } = origin;
  return await fetchWalFile({ archive, name, segmentSizeBytes, partial, through: null, signal }, (body, size) =>
    putWhole(to, body, size),
  );
}

/** Under another name until it is whole: what a killed fetch leaves is never taken for a segment. */
async function putWhole(to: string, body: AsyncIterable<Uint8Array>, expectedBytes: number | null): Promise<void> {
  const draft = `${to}.tidemark`;
  const file = await open(draft, "w", 0o600);
  try {
    let size = 0;
    for await (const bytes of body) {
      await file.writeFile(bytes);
      size += bytes.length;
    }
    if (expectedBytes !== null && size !== expectedBytes) {
      throw new AppError("wal-damaged", { message: `${to} would have ${size} bytes instead of ${expectedBytes}` });
    }
    // Not synced: recovery reads it at once and makes its own durable, and what a lost machine loses is fetched anew.
    await file.close();
    await rename(draft, to);
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
}
