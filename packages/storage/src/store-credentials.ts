import { AppError, Secret } from "@tidemark/kit";

/** What opens an object store. Never part of a URL, a log or a command line. */
export type StoreCredentials =
  | {
      readonly kind: "s3-keys";
      readonly accessKeyId: string;
      readonly secretAccessKey: Secret;
      /** Of temporary credentials; they end, and then every request is `storage-credentials-expired`. */
      readonly sessionToken: Secret | null;
    }
  /** A profile of AWS's shared files; `file` null: the usual places. Role assumption and SSO work as the profile says. */
  | { readonly kind: "s3-profile"; readonly profile: string; readonly file: string | null }
  /** What AWS's own chain finds: environment, shared files, web identity, container, instance. Only when asked for. */
  | { readonly kind: "s3-chain" }
  | { readonly kind: "azure-key"; readonly accountKey: Secret }
  | { readonly kind: "azure-sas"; readonly sas: Secret }
  | { readonly kind: "azure-connection-string"; readonly connectionString: Secret };

/** The names a credentials file may hold, in the order they are explained in docs/object-stores.md. */
const names = [
  "access_key_id",
  "secret_access_key",
  "session_token",
  "profile",
  "profile_file",
  "chain",
  "account_key",
  "sas",
  "connection_string",
] as const;

type Name = (typeof names)[number];

/**
 * Reads the text of a credentials file: lines `name = value`, `#` and `;` comments, one `[section]` line. The names are
 * ours or AWS's own (`aws_access_key_id`), so that a single-profile AWS file works as it is. A fault is
 * `storage-credentials-missing`; its message names lines and names, never a value.
 */
export function parseStoreCredentials(text: string): StoreCredentials {
  const values = new Map<Name, string>();
  let sections = 0;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    if (line.startsWith("[")) {
      if (++sections > 1) throw unusable("it has several profiles; name one with profile and profile_file instead");
      continue;
    }
    const [left = "", ...rest] = line.split("=");
    const name = left.trim().toLowerCase().replace(/^aws_/, "");
    const known = names.find((each) => each === name);
    if (known === undefined || rest.length === 0) throw unusable(`line ${index + 1} is not understood`);
    if (values.has(known)) throw unusable(`${known} is given twice`);
    values.set(known, unquoted(rest.join("=").trim()));
  }
  return credentialsOf(values);
}

/**
 * The credentials in an environment: `TIDEMARK_STORE_CREDENTIALS_FILE`, or one of the groups
 * `TIDEMARK_STORE_ACCESS_KEY_ID` with `…_SECRET_ACCESS_KEY` and `…_SESSION_TOKEN`, `TIDEMARK_STORE_PROFILE`,
 * `TIDEMARK_STORE_CHAIN=1`, `TIDEMARK_STORE_ACCOUNT_KEY`, `…_SAS`, `…_CONNECTION_STRING`. Null: none is set.
 *
 * Each but the profile may be given as `…_FILE` instead. `readFile` reads the files that are named there.
 */
export function storeCredentialsOfEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): StoreCredentials | null {
  const file = environment[`${environmentPrefix}CREDENTIALS_FILE`];
  const values = new Map<Name, string>();
  for (const name of names) {
    const variable = environmentPrefix + name.toUpperCase();
    const value = environment[variable];
    const inFile = environment[`${variable}_FILE`];
    if (value !== undefined && value !== "") values.set(name, value);
    // The profile's file is a path of its own; the others may each lie in a file, as container secrets do.
    else if (name !== "profile" && inFile !== undefined && inFile !== "") values.set(name, readFile(inFile).trim());
  }
  if (file !== undefined && file !== "") {
    if (values.size > 0) {
      throw unusable(`${environmentPrefix}CREDENTIALS_FILE and other ${environmentPrefix} variables are both set`);
    }
    return parseStoreCredentials(readFile(file));
  }
  return values.size === 0 ? null : credentialsOf(values);
}

/** Every name `storeCredentialsOfEnvironment` looks at. */
export const storeCredentialVariables: readonly string[] = [
  "CREDENTIALS_FILE",
  ...names.map((n) => n.toUpperCase()),
].map((name) => `TIDEMARK_STORE_${name}`);

const environmentPrefix = "TIDEMARK_STORE_";

function credentialsOf(values: ReadonlyMap<Name, string>): StoreCredentials {
  const given = [...values.keys()].sort().join("+");
  const text = (name: Name): string => values.get(name) ?? "";
  switch (given) {
    case "access_key_id+secret_access_key":
    case "access_key_id+secret_access_key+session_token":
      return {
        kind: "s3-keys",
        accessKeyId: text("access_key_id"),
        secretAccessKey: new Secret(text("secret_access_key")),
        sessionToken: values.has("session_token") ? new Secret(text("session_token")) : null,
      };
    case "profile":
    case "profile+profile_file":
      return { kind: "s3-profile", profile: text("profile"), file: values.get("profile_file") ?? null };
    case "chain":
      if (!/^(1|yes|true|aws)$/i.test(text("chain"))) throw unusable("chain is yes or left out");
      return { kind: "s3-chain" };
    case "account_key":
      return { kind: "azure-key", accountKey: new Secret(text("account_key")) };
    case "sas":
      return { kind: "azure-sas", sas: new Secret(text("sas").replace(/^\?/, "")) };
    case "connection_string":
      return { kind: "azure-connection-string", connectionString: new Secret(text("connection_string")) };
    default:
      throw unusable(given === "" ? "there is nothing in it" : `${given.replaceAll("+", ", ")} do not go together`);
  }
}

function unquoted(value: string): string {
  return /^"(.*)"$/.exec(value)?.[1] ?? value;
}

function unusable(why: string): AppError {
  return new AppError("storage-credentials-missing", {
    message: `the store's credentials cannot be used: ${why}`,
    hint: "nothing was changed; docs/object-stores.md shows what the file looks like for each kind of store",
  });
}
