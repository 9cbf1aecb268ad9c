/** Every address of the dashboard, so that a link cannot be misspelt. */

/** `add` is a page; a server of that name is reached by its id. */
const reservedServerNames: readonly string[] = ["add"];

export function serverPath(
  server: { readonly id: string; readonly name: string },
  tab?: ServerTab | "restore",
): string {
  const key = reservedServerNames.includes(server.name) ? server.id : encodeURIComponent(server.name);
  return tab === undefined || tab === "overview" ? `/servers/${key}` : `/servers/${key}/${tab}`;
}

export const serverTabs = [
  "overview",
  "recovery",
  "backups",
  "wal",
  "drills",
  "readiness",
  "server",
  "runs",
  "settings",
] as const;

export type ServerTab = (typeof serverTabs)[number];

/** Which part of a server's page an address shows: the segment after the name, so that a server may be called like a part. */
export function serverTabOf(path: string): ServerTab {
  const segment = path.split("/")[3];
  return serverTabs.find((tab) => tab === segment) ?? "overview";
}

/** One check on a server's Readiness tab. */
export function checkPath(server: { readonly id: string; readonly name: string }, checkId: string): string {
  return `${serverPath(server, "readiness")}#check-${encodeURIComponent(checkId)}`;
}

export function runPath(id: string): string {
  return `/runs/${encodeURIComponent(id)}`;
}

/** What a drill did and found, to print. */
export function evidencePath(runId: string): string {
  return `${runPath(runId)}/evidence`;
}

export function backupPath(id: string): string {
  return `/backups/${encodeURIComponent(id)}`;
}

export function restorePath(server: { readonly id: string; readonly name: string }, backupId?: string): string {
  const path = serverPath(server, "restore");
  return backupId === undefined ? path : `${path}?backup=${encodeURIComponent(backupId)}`;
}

export function repositoryPath(id: string): string {
  return `/repositories/${encodeURIComponent(id)}`;
}

/** The login page, which leads back to where one wanted to go. */
export function signInPath(next: string): string {
  const target = localPath(next);
  return target === "/" ? "/login" : `/login?next=${encodeURIComponent(target)}`;
}

/** A path of this site, or `/`: an address that leads elsewhere (`//host`, `/\host`, `https:`) must not be followed after the login. */
export function localPath(path: string | null | undefined): string {
  if (path === null || path === undefined || !path.startsWith("/") || path.includes("\\")) return "/";
  const base = "http://tidemark.invalid";
  const url = URL.canParse(path, base) ? new URL(path, base) : null;
  if (url === null || url.origin !== base || path.startsWith("//") || url.pathname === "/login") return "/";
  return url.pathname + url.search;
}

/** The same page with other query parameters; null removes one. */
export function withParams(path: string, params: Readonly<Record<string, string | null | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, value);
  }
  return search.size === 0 ? path : `${path}?${search}`;
}
