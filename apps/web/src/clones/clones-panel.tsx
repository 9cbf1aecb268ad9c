import { CircleCheck, CircleDashed, CircleX, LoaderCircle, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { targetWords } from "#drills/trial-target.ts";
import { bytes, words } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Badge } from "#ui/badge.tsx";
import { ButtonRow } from "#ui/button-row.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { End, Extend, MoveOn, Promote } from "./clone-acts.tsx";
import { CloneConnection } from "./clone-connection.tsx";
import type { Clone } from "./clone-query.ts";
import { ExtractTable } from "./extract-table.tsx";
import { NewClone } from "./new-clone.tsx";

interface Props {
  readonly serverId: string;
  readonly clones: readonly Clone[];
  readonly initial: { readonly at: string | null; readonly timeline: string | null };
}

/** The clones of a server that live, and those that failed to. */
export function ClonesPanel({ serverId, clones, initial }: Props) {
  return (
    <Panel
      title="Clones"
      description="The server as it was at an instant, to be queried; each goes by itself after a time."
      action={<NewClone serverId={serverId} initial={initial} />}
      padded={false}
    >
      {clones.length === 0 ? (
        <EmptyState title="No clone lives">
          What did this table look like before 14:02? A clone answers, and the server never notices.
        </EmptyState>
      ) : (
        <ul className="divide-y">
          {clones.map((clone) => (
            <li key={clone.id} aria-label={`Clone ${clone.id}`} className="space-y-3 px-4 py-4 sm:px-5">
              <h3 className="font-medium">
                Clone <Mono>{clone.id}</Mono>
              </h3>
              <CloneFacts clone={clone} />
              <CloneButtons clone={clone} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const states = {
  PREPARING: { tone: "busy", icon: LoaderCircle },
  RUNNING: { tone: "ok", icon: CircleCheck },
  MOVING: { tone: "busy", icon: LoaderCircle },
  ENDING: { tone: "warn", icon: TriangleAlert },
  ENDED: { tone: "neutral", icon: CircleDashed },
  FAILED: { tone: "bad", icon: CircleX },
} as const;

function CloneFacts({ clone }: { readonly clone: Clone }) {
  const { tone, icon } = states[clone.state];
  return (
    <>
      <Facts columns={3}>
        <Fact label="State">
          <Badge tone={tone} icon={icon}>
            {words(clone.state)}
            {clone.state === "RUNNING" && (clone.promoted ? ", takes writes" : ", read-only")}
          </Badge>
        </Fact>
        <Fact label="Instant reached">
          {clone.reachedAt === null ? "–" : <Time at={clone.reachedAt} show="absolute" />}
          {clone.reachedLsn !== null && (
            <>
              {" "}
              <Mono>{clone.reachedLsn}</Mono>
            </>
          )}
        </Fact>
        <Fact label="Expires">
          <Time at={clone.expiresAt} />
        </Fact>
        <Fact label="Asked for">{targetWords(clone.target)}</Fact>
        <Fact label="Listens">
          {clone.port === null ? "–" : `${clone.host}:${clone.port}`}
          {clone.hostname !== null && ` on ${clone.hostname}`}
        </Fact>
        <Fact label="Size">{bytes(clone.sizeBytes)}</Fact>
        {clone.backup !== null && (
          <Fact label="From the backup of">
            <Link href={backupPath(clone.backup.id)} className="text-accent hover:underline">
              <Time at={clone.backup.finishedAt ?? clone.backup.startedAt} show="absolute" />
            </Link>
          </Fact>
        )}
        <Fact label="Made by">
          {clone.createdBy}, <Time at={clone.createdAt} />
        </Fact>
      </Facts>
      {clone.error !== null && (
        <ErrorPanel title={clone.state === "RUNNING" ? "Its server does not run" : "It failed"} problem={clone.error} />
      )}
    </>
  );
}

/** Said of acts that need its server. */
const notRunningYet = {
  PREPARING: "It is being made, and takes connections when it runs",
  MOVING: "It is being moved on",
  ENDING: "It is being ended",
  FAILED: "It failed, and can only be ended",
} as const;

function CloneButtons({ clone: { id, state, promoted, hostname } }: { readonly clone: Clone }) {
  if (state === "ENDED") return null;
  const notRunning = state === "RUNNING" ? null : notRunningYet[state];
  const paused = notRunning ?? (promoted ? "It takes writes: it cannot be moved on or promoted any more" : null);
  return (
    <ButtonRow blockedBy={paused}>
      <CloneConnection cloneId={id} hostname={hostname} blockedBy={notRunning} />
      <ExtractTable cloneId={id} hostname={hostname} blockedBy={notRunning} />
      <MoveOn cloneId={id} blockedBy={paused} />
      <Promote cloneId={id} blockedBy={paused} />
      <Extend cloneId={id} blockedBy={null} />
      <End cloneId={id} blockedBy={state === "ENDING" ? notRunning : null} />
    </ButtonRow>
  );
}
