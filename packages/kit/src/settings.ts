import { readFileSync } from "node:fs";
import { z } from "zod";
import { AppError } from "./app-error.ts";

/** Where settings come from; `process.env` in a main file, a literal in a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Settings<T> {
  readonly values: Readonly<T>;
  /** The names that were taken from the environment rather than from a default, for the start-up message. */
  readonly given: readonly string[];
}

/**
 * Parses an app's settings once, before anything is built. Every problem is named at once, in one error.
 *
 * Each name may be given as `NAME_FILE` instead: the file's content, without its last line end, is the value
 * (container secrets). Giving both is an error. An empty value counts as not given.
 *
 * `prefix` names those variables that are ours alone; one that starts with it and is in no schema is refused, because
 * a misspelt setting that is silently ignored is worse than none. `known` lists names other apps of ours read.
 */
export function readSettings<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Environment,
  options: { readonly prefix?: string; readonly known?: readonly string[] } = {},
): Settings<z.output<z.ZodObject<Shape>>> {
  const problems: string[] = [];
  const raw: Record<string, string> = {};
  const names = Object.keys(shape);
  for (const name of names) {
    const value = readOne(name, environment, problems);
    if (value !== undefined) raw[name] = value;
  }
  if (options.prefix !== undefined) {
    const allowed = new Set([...names, ...(options.known ?? [])].flatMap((name) => [name, `${name}_FILE`]));
    for (const name of Object.keys(environment)) {
      if (name.startsWith(options.prefix) && !allowed.has(name)) problems.push(`${name} is not a setting we know`);
    }
  }
  const parsed = z.object(shape).safeParse(raw);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${issue.path.join(".")}: ${issue.message}`);
  }
  if (problems.length > 0 || !parsed.success) {
    throw new AppError("setting-invalid", {
      message: `the settings cannot be used: ${problems.join("; ")}`,
      hint: "nothing was started or changed; .env.example explains every setting",
    });
  }
  return { values: Object.freeze(parsed.data), given: Object.keys(raw) };
}

function readOne(name: string, environment: Environment, problems: string[]): string | undefined {
  const direct = environment[name];
  const file = environment[`${name}_FILE`];
  if (file === undefined || file === "") return direct === "" ? undefined : direct;
  if (direct !== undefined && direct !== "") {
    problems.push(`${name} and ${name}_FILE are both given; keep one`);
    return undefined;
  }
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    problems.push(`${name}_FILE: ${file} cannot be read (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}
