import { Activity, Archive, ScrollText, Server, Settings2 } from "lucide-react";

export const destinations = [
  { path: "/", title: "Servers", icon: Server },
  { path: "/runs", title: "Runs", icon: Activity },
  { path: "/repositories", title: "Repositories", icon: Archive },
  { path: "/audit", title: "Audit", icon: ScrollText },
  { path: "/system", title: "System", icon: Settings2 },
] as const;

/** The destination a path belongs to: backups and servers belong to the home page. */
export function destinationOf(path: string): string | null {
  if (path === "/" || path.startsWith("/servers") || path.startsWith("/backups")) return "/";
  return destinations.find((place) => place.path !== "/" && path.startsWith(place.path))?.path ?? null;
}
