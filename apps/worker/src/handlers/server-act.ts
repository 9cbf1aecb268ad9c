import { type ServerAct, ServerActResult } from "@tidemark/jobs";
import { assertNever } from "@tidemark/kit";
import { SqlSession } from "@tidemark/postgres";
import { requireOnline } from "../offline.ts";
import { requireServer, serverConnection } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";
import { fileStatAct, readFileAct } from "../server-acts/file-acts.ts";
import { settingsAct } from "../server-acts/settings-act.ts";
import { createSlotAct, dropSlotAct, planDropSlotAct } from "../server-acts/slot-acts.ts";
import { checkpointAct, restorePointAct, switchWalAct } from "../server-acts/wal-acts.ts";

/** Does one thing at a server, or asks one thing of it, in an SQL session of its own. */
export const serverActHandler: RunHandler<"server-act"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  await requireOnline(deps, server);
  const settings = await serverConnection(deps, server.id);
  control.emit({ kind: "phase", phase: "acting", message: `${phaseWords[request.act.kind]} of ${server.name}` });
  const session = await SqlSession.connect(settings, { signal: control.signal, logger: deps.logger });
  try {
    const result = ServerActResult.parse(await perform(session, request.act));
    return { kind: "done", result, ...("sentence" in result ? { message: result.sentence } : {}) };
  } finally {
    await session.close();
  }
};

function perform(session: SqlSession, act: ServerAct): Promise<ServerActResult> {
  switch (act.kind) {
    case "switch-wal":
      return switchWalAct(session);
    case "checkpoint":
      return checkpointAct(session);
    case "restore-point":
      return restorePointAct(session, act);
    case "create-slot":
      return createSlotAct(session, act);
    case "plan-drop-slot":
      return planDropSlotAct(session, act);
    case "drop-slot":
      return dropSlotAct(session, act);
    case "settings":
      return settingsAct(session, act);
    case "file-stat":
      return fileStatAct(session, act);
    case "read-file":
      return readFileAct(session, act);
    default:
      return assertNever(act);
  }
}

const phaseWords = {
  "switch-wal": "closing the WAL segment in use",
  checkpoint: "waiting for a checkpoint",
  "restore-point": "making a restore point in the WAL",
  "create-slot": "creating a slot",
  "plan-drop-slot": "looking at a slot",
  "drop-slot": "dropping a slot",
  settings: "reading settings",
  "file-stat": "looking at a file",
  "read-file": "reading a file",
} as const satisfies Record<ServerAct["kind"], string>;
