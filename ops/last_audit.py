"""The last audit, by the metrics of its last line; and whether the next one is overdue."""

from datetime import datetime, timedelta
from typing import Any

from ops.stack import Stack
from pipeline import names

METRICS = {
    "disagreements": names.DISAGREE_METRIC,
    "compared": names.COMPARED_METRIC,
    "incomplete": names.INCOMPLETE_METRIC,
}
# CloudWatch keeps data of this period for 63 days:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
PERIOD_SECONDS = 300
DAYS = 14
"""How many days back the last audit is searched."""
OVERDUE = timedelta(days=2)
NEVER = f"no audit has ended in the last {DAYS} days"


def last_audit(stack: Stack, now: datetime) -> tuple[dict[str, Any], str]:
    """Return the facts of the last audit, and what needs attention; empty if nothing does."""
    namespace = names.metric_namespace(stack.table.removeprefix(names.table_name("")))
    watched = (namespace, names.DISAGREE_METRIC)
    alarms = [a for a in stack.alarms() if (a.get("Namespace"), a.get("MetricName")) == watched]
    # Only a stack with an audit has this alarm. CloudWatch keeps the metrics of an earlier audit.
    if not alarms:
        return {"on": False, "last": None}, ""
    values = _values(stack, namespace, now)
    last = max(values["compared"], default=None)
    overdue = _overdue(last, alarms[0]["AlarmConfigurationUpdatedTimestamp"], now)
    if last is None:
        return {"on": True, "last": None}, overdue
    disagree = round(values["disagreements"].get(last, 0))
    facts = {
        "on": True,
        "last": last.isoformat(timespec="seconds"),
        "compared": round(values["compared"][last]),
        "disagree": disagree,
        "complete": last not in values["incomplete"],
    }
    problems = [
        f"{disagree} rows disagree: see `verify`" if disagree else "",
        "" if facts["complete"] else "it ended early: its log says why",
        overdue,
    ]
    return facts, "; ".join(filter(None, problems))


def _values(stack: Stack, namespace: str, now: datetime) -> dict[str, dict[datetime, float]]:
    """Each metric's values, by time."""
    queries: list[Any] = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": metric},
                "Period": PERIOD_SECONDS,
                "Stat": "Maximum",
            },
        }
        for name, metric in METRICS.items()
    ]
    answer = stack.cloudwatch.get_metric_data(
        MetricDataQueries=queries,
        StartTime=now - timedelta(days=DAYS),
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    return {
        found["Id"]: dict(zip(found["Timestamps"], found["Values"], strict=True))
        for found in answer["MetricDataResults"]
    }


def _overdue(last: datetime | None, alarm_changed: datetime, now: datetime) -> str:
    """The problem if no audit has ended for two days. The audit may be as new as its alarm."""
    if now - max(last or alarm_changed, alarm_changed) <= OVERDUE:
        return ""
    when = f"the last audit ended {(now - last).days} days ago" if last else NEVER
    return f"{when}: see docs/operations.md#audit-missing, and run `verify` meanwhile"
