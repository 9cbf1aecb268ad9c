import { runRequests, type ServerAct } from "@tidemark/jobs";
import type { Run } from "@tidemark/metadata";

/**
 * Whether a run may have changed a server although nobody saw its end: an act at a server is one statement, which the
 * server may have done before the line, the worker or the will to wait for it broke.
 */
export function mayHaveChangedServer(run: Pick<Run, "kind" | "request">): boolean {
  if (run.kind !== "server-act") return false;
  const request = runRequests["server-act"].safeParse(run.request);
  return !request.success || changes[request.data.act.kind];
}

const changes: Readonly<Record<ServerAct["kind"], boolean>> = {
  "switch-wal": true,
  checkpoint: true,
  "restore-point": true,
  "create-slot": true,
  "drop-slot": true,
  "plan-drop-slot": false,
  settings: false,
  "file-stat": false,
  "read-file": false,
};
