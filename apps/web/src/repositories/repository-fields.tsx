import { CircleCheck, CircleX, HardDrive, LoaderCircle, Lock, Unplug } from "lucide-react";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { Badge } from "#ui/badge.tsx";

export const RepositoryRowFields = graphql(`
  fragment RepositoryRowFields on Repository {
    id
    name
    location
    encrypted
    formatVersion
    state
    stateDetail
    freeBytes
    totalBytes
    storedBytes
    recoveryKitSavedAt
    createdAt
  }
`);

export type RepositoryRow = ResultOf<typeof RepositoryRowFields>;

const looks = {
  ATTACHING: { tone: "busy", icon: LoaderCircle, text: "Attaching" },
  READY: { tone: "ok", icon: CircleCheck, text: "Ready" },
  UNREACHABLE: { tone: "bad", icon: Unplug, text: "Not reachable" },
  READ_ONLY: { tone: "warn", icon: Lock, text: "Read-only" },
  FULL: { tone: "bad", icon: HardDrive, text: "Full" },
  FAILED: { tone: "bad", icon: CircleX, text: "Failed" },
} as const satisfies Record<RepositoryRow["state"], unknown>;

export function RepositoryStateBadge({ state }: { readonly state: RepositoryRow["state"] }) {
  const { tone, icon, text } = looks[state];
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}
