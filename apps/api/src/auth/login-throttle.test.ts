import { describe, expect, it } from "vitest";
import { createLoginThrottle, throttleLimits } from "./login-throttle.ts";

function throttleAt() {
  const clock = { nowMs: 0 };
  return { clock, throttle: createLoginThrottle({ monotonicMs: () => clock.nowMs }) };
}

describe("createLoginThrottle", () => {
  it("refuses after ten failures, for as long as the oldest of them is in the window", () => {
    const { clock, throttle } = throttleAt();
    for (let index = 0; index < throttleLimits.perAddress; index++) {
      expect(throttle.waitSeconds("10.0.0.1", "admin")).toBeNull();
      throttle.recordFailure("10.0.0.1", "admin");
      clock.nowMs += 1_000;
    }
    expect(throttle.waitSeconds("10.0.0.1", "admin")).toBe(throttleLimits.windowMs / 1000 - throttleLimits.perAddress);
    clock.nowMs = throttleLimits.windowMs + 1;
    expect(throttle.waitSeconds("10.0.0.1", "admin")).toBeNull();
  });

  it("counts an address over many names, and a name over many addresses", () => {
    const { throttle } = throttleAt();
    for (let index = 0; index < throttleLimits.perAddress; index++) throttle.recordFailure("10.0.0.1", `guess${index}`);
    expect(throttle.waitSeconds("10.0.0.1", "admin")).not.toBeNull();
    expect(throttle.waitSeconds("10.0.0.2", "admin")).toBeNull();
    for (let index = 0; index < throttleLimits.perName; index++) throttle.recordFailure(`10.0.1.${index}`, "Admin");
    expect(throttle.waitSeconds("10.0.0.3", "admin")).not.toBeNull();
  });

  it("forgets failures after a success", () => {
    const { throttle } = throttleAt();
    for (let index = 0; index < throttleLimits.perAddress; index++) throttle.recordFailure("10.0.0.1", "admin");
    throttle.recordSuccess("10.0.0.1", "admin");
    expect(throttle.waitSeconds("10.0.0.1", "admin")).toBeNull();
  });
});
