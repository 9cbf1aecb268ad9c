import type { ServerAct, ServerActResult } from "@tidemark/jobs";
import { maskSecrets } from "@tidemark/kit";
import { readSettings, type SqlSession } from "@tidemark/postgres";

/** Settings as SHOW prints them. Passwords within them (primary_conninfo) are masked: results are kept in rows. */
export async function settingsAct(
  session: SqlSession,
  { names }: Extract<ServerAct, { kind: "settings" }>,
): Promise<ServerActResult> {
  const { settings, missing } = await readSettings(session, names);
  return {
    kind: "settings",
    settings: settings.map((setting) => ({
      name: setting.name,
      value: maskSecrets(setting.value),
      unit: setting.unit,
      source: setting.source,
      sourceFile: setting.sourceFile,
      sourceLine: setting.sourceLine,
      pendingRestart: setting.pendingRestart,
      context: setting.context,
    })),
    missing: [...missing],
  };
}
