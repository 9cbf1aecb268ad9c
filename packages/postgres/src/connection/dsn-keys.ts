/** The parameters of a connection string that we do, by libpq's names (PostgreSQL manual, "Parameter Key Words"). */
export const knownKeys: readonly string[] = [
  ...["host", "hostaddr", "port", "user", "password", "dbname", "options"],
  ...["application_name", "fallback_application_name", "connect_timeout"],
  ...["target_session_attrs", "load_balance_hosts"],
  ...["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"],
  ...["sslmode", "sslrootcert", "sslcrl", "sslcert", "sslkey", "sslpassword", "sslsni", "sslnegotiation"],
  ...["ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "require_auth", "gssencmode"],
];

/** Says what is wrong with a key that we do not do; null when there is nothing wrong. */
export function describeKey(key: string): string | null {
  if (knownKeys.includes(key)) return null;
  if (localKeys.has(key)) {
    return `"${key}" names a file of your machine, which a worker never reads: the tidemark command resolves it before it sends the connection string`;
  }
  const reason = unsupportedKeys.get(key);
  if (reason !== undefined) return `"${key}" is a libpq parameter that Tidemark does not support${reason}`;
  const nearest = nearestKey(key);
  return `"${key}" is not a parameter${nearest === null ? "" : `; did you mean "${nearest}"?`}`;
}

/** Files with logins, which only the command on the user's own machine opens. */
const localKeys: ReadonlySet<string> = new Set(["passfile", "service", "servicefile"]);

/** What libpq knows and we do not do, with what to do instead where there is something. */
const unsupportedKeys: ReadonlyMap<string, string> = new Map([
  ["client_encoding", ": sessions are always in UTF8"],
  ["gssdelegation", ""],
  ["gsslib", ""],
  ["krbsrvname", ""],
  ["max_protocol_version", ": it speaks 3.0"],
  ["min_protocol_version", ": it speaks 3.0"],
  ["oauth_ca_file", ""],
  ["oauth_client_id", ""],
  ["oauth_client_secret", ""],
  ["oauth_issuer", ""],
  ["oauth_scope", ""],
  ["replication", ": it opens both kinds of session by itself"],
  ["requirepeer", ""],
  ["requiressl", ": use sslmode"],
  ["scram_client_key", ": use a password"],
  ["scram_server_key", ": use a password"],
  ["sslcertmode", ": leave out sslcert where none is wanted"],
  ["sslcompression", ""],
  ["sslcrldir", ": use sslcrl"],
  ["sslkeylogfile", ""],
]);

/** The known key that takes the fewest edits; null when none is near. */
function nearestKey(key: string): string | null {
  let nearest: { name: string; edits: number } | null = null;
  for (const name of [...knownKeys, ...localKeys]) {
    const edits = editDistance(key.toLowerCase().slice(0, 64), name);
    if (nearest === null || edits < nearest.edits) nearest = { name, edits };
  }
  return nearest !== null && nearest.edits <= Math.max(2, Math.floor(nearest.name.length / 3)) ? nearest.name : null;
}

/** Levenshtein: insertions, deletions and replacements that turn one into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
