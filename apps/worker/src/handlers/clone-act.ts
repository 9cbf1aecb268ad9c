import { createWriteStream } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import {
  type CloneStanding,
  cloneSessions,
  endClone,
  extractTable,
  moveClone,
  promoteClone,
  resumeClone,
} from "@tidemark/engine";
import type { CloneAct, CloneActResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { seal } from "@tidemark/kit/sealed-text";
import type { CloneRow } from "@tidemark/metadata";
import {
  cloneResult,
  cloneTimes,
  folderBytes,
  hereDeps,
  requireCloneHere,
  standingChange,
} from "../clones/clone-facts.ts";
import { cloneHolder } from "../clones/clone-holder.ts";
import { requireServer } from "../open-server.ts";
import { withReadableArea } from "../readable-area.ts";
import { targetOf } from "../recovery-request.ts";
import type { RunContext, RunHandler } from "../run-context.ts";
import { cloneFolder } from "../scratch.ts";
import { awaitGate } from "./clone.ts";

/** Moves, promotes, reads or ends a clone of this machine. */
export const cloneActHandler: RunHandler<"clone-act"> = async (context) => {
  const { act } = context.request;
  switch (act.kind) {
    case "move":
      return { kind: "done", result: await move(context, act) };
    case "promote":
      return { kind: "done", result: await promote(context) };
    case "end":
      return { kind: "done", result: await end(context) };
    case "extract":
      return { kind: "done", result: await extract(context, act) };
    case "connection":
      return { kind: "done", result: await connection(context, act) };
  }
};

type Context = RunContext<"clone-act">;
type Act<K extends CloneAct["kind"]> = Extract<CloneAct, { kind: K }>;

async function move(context: Context, act: Act<"move">): Promise<CloneActResult> {
  const { deps, request, control } = context;
  const server = await requireServer(deps, request.serverId);
  const target = targetOf(act.target);
  const { timeline } = act;
  return await whileMoving(context, () =>
    withReadableArea(deps, server, control, (area) =>
      moveClone({ ...hereDeps(deps), area }, { cloneId: request.cloneId, target, timeline, ...cloneTimes }, control),
    ),
  );
}

async function promote(context: Context): Promise<CloneActResult> {
  const { deps, request, control } = context;
  return await whileMoving(context, () =>
    promoteClone(hereDeps(deps), { cloneId: request.cloneId, ...cloneTimes }, control),
  );
}

/** The row says `moving` meanwhile. What failed left the clone where it was. */
async function whileMoving(context: Context, act: () => Promise<CloneStanding>): Promise<CloneActResult> {
  const { deps, request } = context;
  const { kind } = request.act as Act<"move" | "promote">;
  await requireCloneHere(deps, request.cloneId);
  await changeState(context, "moving", ["running"]);
  try {
    const standing = await act();
    const change = standingChange(standing, await folderBytes(standing.root));
    const wanted = kind === "move" ? { target: (request.act as Act<"move">).target } : {};
    const row = await deps.metadata.clones.update(request.cloneId, { ...change, ...wanted }, ["moving"]);
    if (row === null) throw new AppError("clone-expired", { message: "the clone has ended" });
    const open = await awaitGate(deps, request.cloneId, context.control.signal);
    return { kind, clone: cloneResult(open, standing, deps.settings.hostname), extract: null, sealedConnection: null };
  } catch (error) {
    await deps.metadata.clones.update(request.cloneId, { state: "running" }, ["moving"]);
    throw error;
  }
}

async function end(context: Context): Promise<CloneActResult> {
  const { deps, request, control } = context;
  const row = await deps.metadata.clones.get(request.cloneId);
  if (row !== null && row.endedAt === null) {
    const isGone = (await cloneHolder(deps, request.cloneId)) === "gone";
    // Its machine may come back: who starts there throws away what belongs to no living clone.
    if (!isGone) {
      if (row.path !== null) await requireCloneHere(deps, request.cloneId);
      await changeState(context, "ending", ["preparing", "running", "moving", "ending"]);
      await endClone(cloneFolder(deps.settings), request.cloneId);
    }
    await deps.metadata.clones.update(request.cloneId, { state: "ended" });
    const message = `no worker keeps clones on ${row.hostname} any more: the record is ended, and what lies there goes when a worker starts there`;
    if (isGone) control.emit({ kind: "log", level: "warning", message });
  }
  return { kind: "end", clone: null, extract: null, sealedConnection: null };
}

async function extract(context: Context, act: Act<"extract">): Promise<CloneActResult> {
  const { deps, control } = context;
  const { row, standing } = await standingHere(context);
  const folder = join(standing.root, "exports");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = `${act.database}.${act.schema}.${act.table}`.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 200);
  const path = join(folder, `${name}.${act.format}`);
  const draft = `${path}.tmp`;
  const file = createWriteStream(draft, { mode: 0o600 });
  const written = finished(file);
  const write = async (text: string): Promise<void> => {
    if (!file.write(text)) await Promise.race([new Promise<void>((resolve) => file.once("drain", resolve)), written]);
  };
  // A file that cannot be written fails the wait above, or the end below.
  written.catch(() => undefined);
  const openSession = await cloneSessions(standing.root, standing.user, control.signal);
  try {
    const { rows, characters } = await extractTable(openSession, act, write, control.signal);
    file.end();
    await written;
    await chmod(draft, 0o600);
    await rename(draft, path);
    const clone = cloneResult(row, standing, deps.settings.hostname);
    return { kind: "extract", clone, extract: { path, rows, characters }, sealedConnection: null };
  } finally {
    file.destroy();
    await rm(draft, { force: true });
  }
}

async function connection(context: Context, act: Act<"connection">): Promise<CloneActResult> {
  const { deps, request } = context;
  const { row, standing } = await standingHere(context);
  const sealed = await deps.metadata.clones.sealedPassword(request.cloneId);
  if (sealed === null || row.port === null) {
    throw new AppError("clone-expired", { message: "the clone takes no connections" });
  }
  const password = (await deps.key.open(sealed)).reveal();
  const host = row.host ?? deps.settings.cloneHost;
  const address = host.includes(":") ? `[${host}]` : host;
  const dsn = `postgresql://${encodeURIComponent(standing.user)}:${password}@${address}:${row.port}/postgres?sslmode=disable`;
  const clone = cloneResult(row, standing, deps.settings.hostname);
  return { kind: "connection", clone, extract: null, sealedConnection: await seal(act.recipient, dsn) };
}

async function standingHere({ deps, request, control }: Context): Promise<{ row: CloneRow; standing: CloneStanding }> {
  const row = await requireCloneHere(deps, request.cloneId);
  return { row, standing: await resumeClone(hereDeps(deps), request.cloneId, cloneTimes, control) };
}

async function changeState(
  { deps, request }: Context,
  state: "moving" | "ending",
  from: readonly CloneRow["state"][],
): Promise<void> {
  if ((await deps.metadata.clones.update(request.cloneId, { state }, from)) !== null) return;
  throw new AppError("clone-expired", {
    message: "the clone is not at rest: it is being made, moved or ended",
    hint: "look at it and ask again",
  });
}
