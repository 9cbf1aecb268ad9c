import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, Secret } from "@tidemark/kit";
import { type Environment, readSettings } from "@tidemark/kit/settings";
import { z } from "zod";

export interface CliConfig {
  readonly url: string;
  /** Null when none was given and no control plane on this machine left one. */
  readonly token: Secret | null;
  /** Where the token came from, for `doctor` and for the sentence that says why it was refused. */
  readonly tokenSource: string;
}

/**
 * `TIDEMARK_URL` and `TIDEMARK_TOKEN` (or `TIDEMARK_TOKEN_FILE`) win; else the home of the control plane on this
 * machine is asked: `url` and `admin-token` below `TIDEMARK_HOME`, which defaults to `.tidemark` in the clone.
 */
export function readConfig(environment: Environment): CliConfig {
  const { values } = readSettings(
    {
      TIDEMARK_URL: z.url({ protocol: /^https?$/ }).optional(),
      TIDEMARK_TOKEN: z.string().optional(),
      TIDEMARK_HOME: z.string().optional(),
    },
    environment,
  );
  const home = values.TIDEMARK_HOME === undefined ? join(cloneRoot(), ".tidemark") : resolve(values.TIDEMARK_HOME);
  const url = values.TIDEMARK_URL ?? readIfThere(join(home, "url")) ?? "http://127.0.0.1:7400";
  if (values.TIDEMARK_TOKEN !== undefined) {
    return { url: trimSlash(url), token: new Secret(values.TIDEMARK_TOKEN), tokenSource: "TIDEMARK_TOKEN" };
  }
  const tokenFile = join(home, "admin-token");
  const token = readIfThere(tokenFile);
  return { url: trimSlash(url), token: token === null ? null : new Secret(token), tokenSource: tokenFile };
}

function readIfThere(path: string): string | null {
  if (!existsSync(path)) return null;
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new AppError("not-allowed", {
      message: `${path} cannot be read by this user`,
      hint: "run the command as the user that runs Tidemark, or give TIDEMARK_URL and TIDEMARK_TOKEN",
      cause,
    });
  }
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

function cloneRoot(): string {
  return resolve(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
}
