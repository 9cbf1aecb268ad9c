import type { ServerReport } from "../wire/backend-messages.ts";
import { encodeCopyData, encodeCopyDone, encodeQuery } from "../wire/frontend-messages.ts";
import { serverError } from "./server-error.ts";
import { unexpected, type WireSession } from "./wire-session.ts";

/**
 * UPLOAD_MANIFEST: the server asks for the manifest (CopyInResponse), takes it, and says whether it will do
 * (src/backend/replication/walsender.c, UploadManifest). It parses what comes as it comes and may refuse in the middle;
 * what is sent after that it passes over, so its answer is looked at once all is sent.
 *
 * `onSent` is called after each piece. Throws the server's refusal as an AppError with its `sqlState`, or what ended the
 * session.
 */
export async function sendManifest(
  wire: WireSession,
  chunks: AsyncIterable<Uint8Array>,
  onSent: () => void,
): Promise<void> {
  wire.send(encodeQuery("UPLOAD_MANIFEST"));
  if (await isAsked(wire)) {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        await wire.sendPaced(encodeCopyData(chunk.subarray(at, at + pieceBytes)));
        onSent();
      }
    }
    wire.send(encodeCopyDone());
  }
  await readVerdict(wire, null);
}

/** Whether the server wants the manifest; throws its error otherwise. */
async function isAsked(wire: WireSession): Promise<boolean> {
  const message = await wire.receive();
  if (message.kind === "copy-in") return true;
  if (message.kind === "error") await readVerdict(wire, message.report);
  throw unexpected(message.kind);
}

async function readVerdict(wire: WireSession, first: ServerReport | null): Promise<void> {
  let report = first;
  for (;;) {
    // After FATAL there is no "ready".
    if (report !== null && report.severity !== "ERROR") throw refusal(report);
    const message = await wire.receive();
    switch (message.kind) {
      case "error":
        report ??= message.report;
        break;
      case "command-complete":
        break;
      case "ready":
        if (report !== null) throw refusal(report);
        return;
      default:
        throw unexpected(message.kind);
    }
  }
}

function refusal(report: ServerReport) {
  return serverError(report, "replication", "the server does not take the manifest to build on");
}

/** As pg_basebackup sends it. */
const pieceBytes = 65_536;
