"""Names that several parts use, and tags. Pure, without Pulumi."""

DISAGREE_METRIC = "AuditDisagreements"
COMPARED_METRIC = "AuditCompared"
INCOMPLETE_METRIC = "AuditIncomplete"


def table_name(environment_suffix: str) -> str:
    """The name of the table."""
    return f"file-metadata-table-{environment_suffix}"


def alias_name(environment_suffix: str) -> str:
    """The alias of the KMS key."""
    return f"alias/file-metadata-{environment_suffix}"


def dashboard_name(environment_suffix: str, region: str) -> str:
    """The name of the dashboard; CloudWatch does not generate one.

    It contains the region, because an account has one list of dashboards for all regions, and
    saving a dashboard replaces any other of the same name.
    """
    return f"file-metadata-{region}-{environment_suffix}"


def metric_namespace(environment_suffix: str) -> str:
    """The namespace of the metrics from the log.

    It contains the suffix, because a metric filter cannot add a fixed dimension.
    """
    return f"FileMetadata/{environment_suffix}"


def tags(environment_suffix: str) -> dict[str, str]:
    """The tags of every resource that takes tags."""
    return {"Environment": environment_suffix, "Project": "DataPipeline"}
