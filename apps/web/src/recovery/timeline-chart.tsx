"use client";
import { scaleUtc } from "d3-scale";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { absoluteTime } from "#lib/format.ts";
import {
  type Lane,
  nearestRecoverable,
  type Range,
  type Span,
  snapTo,
  step,
  type TimelineModel,
  within,
  zoom,
} from "./timeline-model.ts";

interface Props {
  readonly model: TimelineModel;
  readonly range: Range;
  readonly onRange: (range: Range) => void;
  /** Which lane the handle is on. */
  readonly timeline: number;
  /** Where the handle is; null: nothing is chosen yet. */
  readonly chosenMs: number | null;
  readonly onChoose: (timeline: number, ms: number) => void;
  /** A commit further, or back: what only the api knows. */
  readonly onStepCommit: (direction: 1 | -1) => void;
  readonly zone: string;
  /** What a screen reader says of the chosen instant. */
  readonly valueText: string;
}

/**
 * The drawing: a lane for each timeline, recoverable stretches solid, gaps hatched, backups as ticks, restore points as
 * diamonds, the live edge as a line. Dragging the ground moves the view, dragging or pressing on a stretch the handle.
 */
export function TimelineChart(props: Props) {
  const { model, range, onRange, timeline, chosenMs, onChoose, zone } = props;
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const scale = scaleUtc()
    .domain([range.fromMs, range.toMs])
    .range([labelWidth, Math.max(width - sidePadding, labelWidth + 1)]);
  const msAt = (x: number) => scale.invert(x).getTime();
  const height = axisHeight + model.lanes.length * laneHeight + 6;
  const drag = useDrag({
    onMove: (fromX, x) => {
      const byMs = msAt(fromX) - msAt(x);
      onRange(within({ fromMs: range.fromMs + byMs, toMs: range.toMs + byMs }, model.domain));
    },
  });
  const choose = (lane: Lane, x: number) => {
    const ms = msAt(x);
    const snapped = snapTo(lane, ms, msAt(x + snapPixels) - ms);
    const near = snapped?.ms ?? nearestRecoverable(lane, ms);
    if (near !== null) onChoose(lane.timeline, Math.round(near));
  };
  const xOf = (event: PointerEvent) => event.clientX - (frame.current?.getBoundingClientRect().left ?? 0);
  const current = model.lanes.find((lane) => lane.timeline === timeline);

  // React listens passively to wheels; a zoom must keep the page from scrolling, and only when a key asks for it.
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const around = scale.invert(event.clientX - element.getBoundingClientRect().left).getTime();
      onRange(zoom(range, model.domain, around, event.deltaY > 0 ? 1.25 : 0.8));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  });

  return (
    <div ref={frame} className="relative touch-pan-y select-none">
      <svg width="100%" height={height} aria-hidden className="block" onPointerDown={drag.start} role="presentation">
        <Axis scale={scale} height={height} zone={zone} width={width} />
        {model.lanes.map((lane, index) => (
          <LaneDrawing
            key={lane.timeline}
            lane={lane}
            y={axisHeight + index * laneHeight}
            parentY={parentY(model.lanes, lane)}
            x={(ms) => scale(ms)}
            clip={[labelWidth, width - sidePadding]}
            onPress={(event) => {
              event.stopPropagation();
              choose(lane, xOf(event));
            }}
          />
        ))}
        {model.edge !== null && isIn(range, model.edge.ms) && (
          <line
            x1={scale(model.edge.ms)}
            x2={scale(model.edge.ms)}
            y1={axisHeight - 4}
            y2={height}
            className="stroke-ok"
            strokeWidth={2}
            strokeDasharray="2 3"
          />
        )}
      </svg>
      {current !== undefined && chosenMs !== null && (
        <Handle
          {...props}
          lane={current}
          ms={chosenMs}
          left={Math.min(Math.max(scale(chosenMs), labelWidth), Math.max(width - sidePadding, labelWidth))}
          top={axisHeight + model.lanes.indexOf(current) * laneHeight}
          isShown={isIn(range, chosenMs)}
          onDrag={(event) => choose(current, xOf(event))}
        />
      )}
    </div>
  );
}

const labelWidth = 34;
const sidePadding = 12;
const axisHeight = 26;
const laneHeight = 46;
const snapPixels = 7;

interface HandleProps extends Props {
  readonly lane: Lane;
  readonly ms: number;
  readonly left: number;
  readonly top: number;
  readonly isShown: boolean;
  readonly onDrag: (event: PointerEvent) => void;
}

function Handle({ model, lane, ms, left, top, isShown, onDrag, onChoose, onStepCommit, valueText }: HandleProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: 1, PageDown: -1 }[event.key];
    if (direction === undefined && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if (event.key === "Home" || event.key === "End") {
      const end = nearestRecoverable(lane, event.key === "Home" ? model.domain.fromMs : model.domain.toMs);
      if (end !== null) onChoose(lane.timeline, end);
    } else if (event.altKey) onStepCommit(direction === 1 ? 1 : -1);
    else {
      const stepMs = event.key.startsWith("Page") ? 3_600_000 : event.shiftKey ? 60_000 : 1000;
      onChoose(lane.timeline, step(lane, ms, (direction ?? 1) * stepMs));
    }
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label="Instant to restore to"
      aria-orientation="horizontal"
      aria-valuemin={Math.floor(model.domain.fromMs / 1000)}
      aria-valuemax={Math.ceil(model.domain.toMs / 1000)}
      aria-valuenow={Math.round(ms / 1000)}
      aria-valuetext={valueText}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) onDrag(event);
      }}
      style={{ left: left - 11, top: top - 2, height: laneHeight }}
      className={`absolute w-[22px] cursor-ew-resize ${isShown ? "" : "opacity-40"}`}
    >
      <span aria-hidden className="absolute inset-y-0 left-1/2 w-0.5 -translate-x-1/2 bg-accent" />
      <span
        aria-hidden
        className="absolute -top-1 left-1/2 size-4 -translate-x-1/2 rounded-full border-2 border-surface bg-accent shadow-sm"
      />
    </div>
  );
}

interface LaneProps {
  readonly lane: Lane;
  readonly y: number;
  readonly parentY: number | null;
  readonly x: (ms: number) => number;
  readonly clip: readonly [number, number];
  readonly onPress: (event: PointerEvent) => void;
}

function LaneDrawing({ lane, y, parentY: fromY, x, clip, onPress }: LaneProps) {
  const middle = y + laneHeight / 2;
  const [left, right] = clip;
  const cut = (ms: number) => Math.min(Math.max(x(ms), left), right);
  return (
    <g>
      <text x={4} y={middle + 4} className="fill-muted text-[0.75rem]">
        {lane.timeline}
      </text>
      <line x1={left} x2={right} y1={middle} y2={middle} className="stroke-line" />
      {fromY !== null && lane.forkMs !== null && (
        <path
          d={`M ${cut(lane.forkMs)} ${fromY + laneHeight / 2} C ${cut(lane.forkMs)} ${middle}, ${cut(lane.forkMs)} ${middle}, ${cut(lane.forkMs) + 14} ${middle}`}
          className="fill-none stroke-muted"
          strokeDasharray="3 2"
        />
      )}
      {lane.spans.map((span) => (
        <SpanDrawing
          key={`${span.kind}${span.fromMs}`}
          span={span}
          y={y}
          from={cut(span.fromMs)}
          to={cut(span.toMs)}
          onPress={onPress}
        />
      ))}
      {lane.marks
        .filter(({ ms }) => x(ms) >= left && x(ms) <= right)
        .map((mark) => (
          <MarkDrawing key={`${mark.kind}${mark.lsn}${mark.title}`} mark={mark} x={x(mark.ms)} y={middle} />
        ))}
    </g>
  );
}

interface SpanProps {
  readonly span: Span;
  readonly y: number;
  readonly from: number;
  readonly to: number;
  readonly onPress: (event: PointerEvent) => void;
}

function SpanDrawing({ span, y, from, to, onPress }: SpanProps) {
  const isChosen = span.kind === "recoverable";
  const look = {
    recoverable: "fill-ok/75 cursor-crosshair",
    gap: "fill-bad/25 stroke-bad/60",
    "without-base": "fill-muted/20 stroke-muted/40",
  }[span.kind];
  // A backup that stands alone is an instant: still something to see and to press.
  const width = Math.max(to - from, isChosen ? 5 : 0);
  if (width <= 0) return null;
  return (
    <rect
      x={from - (to - from < 5 && isChosen ? 2 : 0)}
      y={y + laneHeight / 2 - 8}
      width={width}
      height={16}
      rx={3}
      strokeDasharray={span.kind === "gap" ? "4 3" : undefined}
      className={look}
      onPointerDown={isChosen ? onPress : undefined}
    >
      <title>{span.title}</title>
    </rect>
  );
}

function MarkDrawing({ mark, x, y }: { readonly mark: Lane["marks"][number]; readonly x: number; readonly y: number }) {
  return mark.kind === "backup" ? (
    <rect x={x - 1.5} y={y - 13} width={3} height={26} rx={1.5} className="pointer-events-none fill-text">
      <title>{mark.title}</title>
    </rect>
  ) : (
    <path
      d={`M ${x} ${y - 16} l 5 5 l -5 5 l -5 -5 z`}
      className={`pointer-events-none ${mark.reachable ? "fill-accent" : "fill-muted"}`}
    >
      <title>{mark.title}</title>
    </path>
  );
}

interface AxisProps {
  readonly scale: ReturnType<typeof scaleUtc<number, number>>;
  readonly height: number;
  readonly width: number;
  readonly zone: string;
}

function Axis({ scale, height, width, zone }: AxisProps) {
  const ticks = scale.ticks(Math.max(2, Math.floor(width / 130)));
  const [from, to] = scale.domain();
  const spanMs = (to?.getTime() ?? 0) - (from?.getTime() ?? 0);
  return (
    <g>
      {ticks.map((tick) => (
        <g key={tick.getTime()}>
          <line x1={scale(tick)} x2={scale(tick)} y1={axisHeight - 6} y2={height} className="stroke-line" />
          <text x={scale(tick)} y={13} textAnchor="middle" className="fill-muted text-[0.6875rem] tabular-nums">
            {tickText(tick, spanMs, zone)}
          </text>
        </g>
      ))}
    </g>
  );
}

/** As much of the time as differs between the ticks. */
function tickText(tick: Date, spanMs: number, zone: string): string {
  const [date = "", time = ""] = absoluteTime(tick, zone).split(" ");
  if (spanMs > 120 * dayMs) return date.slice(0, 7);
  if (spanMs > 4 * dayMs) return date.slice(5);
  if (spanMs > 4 * 3_600_000) return `${date.slice(5)} ${time.slice(0, 5)}`;
  return spanMs > 300_000 ? time.slice(0, 5) : time;
}

const dayMs = 86_400_000;

function parentY(lanes: readonly Lane[], { parent }: Lane): number | null {
  const index = lanes.findIndex((lane) => lane.timeline === parent);
  return index < 0 ? null : axisHeight + index * laneHeight;
}

function isIn({ fromMs, toMs }: Range, ms: number): boolean {
  return fromMs <= ms && ms <= toMs;
}

/** Follows one pointer from where it was pressed. */
function useDrag({ onMove }: { readonly onMove: (fromX: number, x: number) => void }) {
  const last = useRef<number | null>(null);
  const move = useRef(onMove);
  useEffect(() => {
    move.current = onMove;
  });
  useEffect(() => {
    const onPointerMove = (event: globalThis.PointerEvent) => {
      if (last.current === null) return;
      move.current(last.current, event.clientX);
      last.current = event.clientX;
    };
    const onPointerUp = () => {
      last.current = null;
    };
    window.addEventListener("pointermove", onPointerMove);
    window.addEventListener("pointerup", onPointerUp);
    window.addEventListener("pointercancel", onPointerUp);
    return () => {
      window.removeEventListener("pointermove", onPointerMove);
      window.removeEventListener("pointerup", onPointerUp);
      window.removeEventListener("pointercancel", onPointerUp);
    };
  }, []);
  return {
    start: (event: PointerEvent) => {
      if (event.button === 0) last.current = event.clientX;
    },
  };
}

/** The element's width, followed as it changes. */
function useWidth(of: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = of.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.round(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [of]);
  return width;
}
