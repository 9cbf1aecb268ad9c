import { formatDuration } from "@tidemark/kit";
import type { Access } from "./access.ts";
import { loopbackOf } from "./children.ts";
import type { StartSettings } from "./config.ts";
import type { ConsoleReport } from "./console-report.ts";
import type { HomePaths } from "./home.ts";

/** The last lines of a start: where to go, how to log in, where everything is. */
export function sayReady(
  report: ConsoleReport,
  facts: {
    readonly settings: StartSettings;
    readonly paths: HomePaths;
    readonly access: Access;
    /** Where the metadata database lies outside the home, and where a deleted home's was put. */
    readonly database: { readonly relocatedTo: string | null; readonly setAside: string | null };
    readonly startedMs: number;
  },
): void {
  const { settings, paths, access } = facts;
  report.line("");
  report.line(`Tidemark is ready after ${formatDuration(performance.now() - facts.startedMs)}.`);
  report.line(`  address    http://${loopbackOf(settings.host)}:${settings.port}`);
  if (access.oneTimePassword === null) {
    report.line("  login      as before; a forgotten password is reset with: npm start -- --reset-admin");
  } else {
    report.line(`  login      ${access.username} with the one-time password ${access.oneTimePassword.reveal()}`);
    report.line("             (shown this once; it asks for your own at the first login)");
  }
  report.line(`  state      ${paths.root}`);
  const { relocatedTo, setAside } = facts.database;
  if (relocatedTo !== null) {
    report.line(
      `             the metadata database is in ${relocatedTo}, since PostgreSQL's account cannot enter the home`,
    );
  }
  if (setAside !== null) {
    report.line(
      `             the database of a deleted home was put aside in ${setAside}; remove it when you do not miss it`,
    );
  }
  report.line(`  logs       ${paths.logs}`);
  report.line("  stop       Ctrl-C");
  report.line("");
}
