import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { AppError } from "@tidemark/kit";
import type { HostSettings } from "./host-settings.ts";

/** A path in the settings that is not absolute counts from the file's own folder. */
export function readSecretFile(settings: Pick<HostSettings, "file">, path: string): string {
  try {
    return readFileSync(resolve(dirname(settings.file), path), "utf8");
  } catch (cause) {
    const message = `${path}, which ${settings.file} names, cannot be read`;
    const hint = "it must be there, and readable for the user that PostgreSQL runs under";
    throw new AppError("setting-invalid", { message, hint, cause });
  }
}
