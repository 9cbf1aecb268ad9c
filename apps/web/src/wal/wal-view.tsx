"use client";
import { CircleCheck, CirclePause, LoaderCircle, TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { bytes, plural, rate, sentence, words } from "#lib/format.ts";
import { useNow } from "#lib/use-now.ts";
import { WalActs } from "#server-acts/wal-acts.tsx";
import { Badge } from "#ui/badge.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { PushSetUp } from "./push-set-up.tsx";
import { StreamWal } from "./stream-wal.tsx";
import type { Wal, WindowGaps } from "./wal-fields.ts";

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly inRecovery: boolean;
  readonly wal: Wal;
  readonly window: WindowGaps;
  readonly blockedBy: string | null;
}

/** How a server's WAL comes here: the receiver, what the slot keeps at the server, gaps, and what may be done. */
export function WalView({ server, inRecovery, wal, window, blockedBy }: Props) {
  const router = useRouter();
  return (
    <div className="space-y-5">
      <Note kind={wal.rpoKind === "ZERO" ? "ok" : wal.rpoKind === "BEHIND" ? "info" : "warn"}>
        <p className="font-medium">{sentence(wal.rpoSentence)}.</p>
      </Note>
      {wal.mode === "STREAM" && <ReceiverPanel wal={wal} />}
      {wal.mode === "PUSH" && <PushPanel server={server} window={window} />}
      {wal.mode === "NONE" && <StreamWal server={server} />}
      {wal.slot !== null && <SlotPanel slot={wal.slot} />}
      {/* Where nothing came there is nothing that could have a hole; what came once may have one. */}
      {(wal.mode === "STREAM" || window.segmentCount > 0 || uniqueGaps(window).length > 0) && (
        <GapsPanel window={window} />
      )}
      <Panel title="Acts">
        <WalActs serverId={server.id} inRecovery={inRecovery} blockedBy={blockedBy} onDone={() => router.refresh()} />
      </Panel>
    </div>
  );
}

const states = {
  STREAMING: { tone: "ok", icon: CircleCheck },
  CATCHING_UP: { tone: "busy", icon: LoaderCircle },
  CONNECTING: { tone: "busy", icon: LoaderCircle },
  WAITING: { tone: "warn", icon: TriangleAlert },
  STOPPED: { tone: "neutral", icon: CirclePause },
} as const;

/** As long without a word of a receiver that should say every five seconds that it lives: the api counts it as silent, too. */
const silentAfterMs = 30_000;

function ReceiverPanel({ wal: { receiver, synchronous } }: { readonly wal: Wal }) {
  const now = useNow();
  if (receiver === null) {
    return (
      <Panel title="Receiver">
        <p className="text-sm text-muted">A worker takes it up within seconds.</p>
      </Panel>
    );
  }
  const { tone, icon } = states[receiver.state];
  const isSilent = receiver.state !== "STOPPED" && now.getTime() - Date.parse(receiver.updatedAt) > silentAfterMs;
  return (
    <Panel
      title="Receiver"
      action={
        isSilent ? (
          <Badge tone="warn" icon={TriangleAlert}>
            <span>
              Last told of itself <Time at={receiver.updatedAt} />
            </span>
          </Badge>
        ) : (
          <Badge tone={tone} icon={icon}>
            <span>
              {words(receiver.state)} since <Time at={receiver.stateSince} />
            </span>
          </Badge>
        )
      }
    >
      <div className="space-y-4">
        {isSilent && (
          <Note kind="warn">
            <p className="font-medium">Nobody says that it still receives: its worker was stopped, or hangs.</p>
            <p>
              What is durable stays restorable, and the slot keeps what comes meanwhile at the server. Start a worker;
              it takes over within seconds.
            </p>
          </Note>
        )}
        {receiver.error !== null && <ErrorPanel title="It cannot go on" problem={receiver.error} />}
        <Facts columns={3}>
          <Fact label="Durable here up to">
            <Lsn lsn={receiver.flushedLsn} />
          </Fact>
          <Fact label="Received up to">
            <Lsn lsn={receiver.receivedLsn} />
          </Fact>
          <Fact label="The server's end">
            <Lsn lsn={receiver.serverLsn} />
          </Fact>
          <Fact label="Behind by">{bytes(receiver.lagBytes)}</Fact>
          <Fact label="Last commit">
            <Time at={receiver.lastCommitAt} />
          </Fact>
          <Fact label="Server last heard">
            <Time at={receiver.lastMessageAt} />
          </Fact>
          <Fact label="Timeline">{receiver.timeline ?? "–"}</Fact>
          <Fact label="Connected again" title="Since its worker took it up">
            {receiver.reconnects === 0 ? "never" : `tried ${plural(receiver.reconnects, "time")}`}
          </Fact>
          <Fact label="Synchronous">{synchronous ? "may be named as a synchronous standby" : "no"}</Fact>
        </Facts>
      </div>
    </Panel>
  );
}

function PushPanel({ server, window }: { readonly server: Props["server"]; readonly window: WindowGaps }) {
  return (
    <Panel title="Pushed by the server">
      <div className="space-y-2 text-sm">
        <p>
          {window.segmentCount === 0
            ? "No segment has come yet."
            : `${window.segmentCount.toLocaleString("en")} segments have come.`}
        </p>
        {window.segmentCount === 0 ? (
          <PushSetUp serverName={server.name} />
        ) : (
          <details>
            <summary className="w-fit rounded text-accent">What is set up on its host</summary>
            <div className="mt-3">
              <PushSetUp serverName={server.name} />
            </div>
          </details>
        )}
      </div>
    </Panel>
  );
}

function SlotPanel({ slot }: { readonly slot: NonNullable<Wal["slot"]> }) {
  const isLost = slot.walStatus === "lost" || slot.walStatus === "missing";
  return (
    <Panel
      title="The slot at the server"
      action={
        <Badge
          tone={isLost ? "bad" : slot.walStatus === "reserved" ? "ok" : "warn"}
          icon={isLost ? TriangleAlert : CircleCheck}
        >
          {slot.walStatus ?? "not known"}
        </Badge>
      }
    >
      <Facts columns={3}>
        <Fact label="Name">{slot.name === null ? "–" : <Mono>{slot.name}</Mono>}</Fact>
        <Fact label="WAL kept for us">{bytes(slot.retainedBytes)}</Fact>
        <Fact label="Until it is lost">{slot.safeBytes === null ? "no limit is set" : bytes(slot.safeBytes)}</Fact>
        <Fact label="The server writes">{rate(slot.walBytesPerSecond)}</Fact>
        <Fact label="Full, if nothing were received">
          {slot.fullAt === null ? "not in sight" : <Time at={slot.fullAt} />}
        </Fact>
        <Fact label="As of">
          <Time at={slot.observedAt} />
        </Fact>
      </Facts>
    </Panel>
  );
}

const gapColumns = [{ name: "From" }, { name: "To" }, { name: "Timeline" }, { name: "Why" }];

function GapsPanel({ window }: { readonly window: WindowGaps }) {
  const gaps = uniqueGaps(window);
  return (
    <Panel title="Gaps" padded={gaps.length === 0}>
      {gaps.length === 0 ? (
        <p className="text-sm text-muted">None: the WAL here is without a hole.</p>
      ) : (
        <Table label="Gaps" columns={gapColumns}>
          {gaps.map((gap) => (
            <Row key={`${gap.timeline}/${gap.fromLsn}`}>
              <RowHeader>
                <Mono>{gap.fromLsn}</Mono> <Time at={gap.before?.at} show="absolute" />
              </RowHeader>
              <Cell label="To">
                <Mono>{gap.toLsn}</Mono> <Time at={gap.after?.at} show="absolute" />
              </Cell>
              <Cell label="Timeline">{gap.timeline}</Cell>
              <Cell label="Why">{sentence(gap.cause)}</Cell>
            </Row>
          ))}
        </Table>
      )}
    </Panel>
  );
}

type Gap = WindowGaps["lifetimes"][number]["timelines"][number]["gaps"][number];

/** A gap of an ancestor is listed by each timeline that came from it. */
function uniqueGaps({ lifetimes }: WindowGaps): readonly Gap[] {
  const gaps = lifetimes.flatMap(({ systemIdentifier, timelines }) =>
    timelines.flatMap((timeline) =>
      timeline.gaps.map((gap) => [`${systemIdentifier}/${gap.timeline}/${gap.fromLsn}`, gap] as const),
    ),
  );
  return [...new Map(gaps).values()];
}

function Lsn({ lsn }: { readonly lsn: string | null }) {
  return lsn === null ? "–" : <Mono>{lsn}</Mono>;
}
