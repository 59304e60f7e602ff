"""Names that more than one part knows, and tags. Pure, without Pulumi."""

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
    """The name of the dashboard; CloudWatch gives none of its own.

    It has the region in it: an account has one list of dashboards for all its regions, and saving
    one replaces what has its name, whoever made that.
    """
    return f"file-metadata-{region}-{environment_suffix}"


def metric_namespace(environment_suffix: str) -> str:
    """The namespace of the metrics from the log: a metric filter cannot add a fixed dimension."""
    return f"FileMetadata/{environment_suffix}"


def tags(environment_suffix: str) -> dict[str, str]:
    """The tags of everything that takes tags."""
    return {"Environment": environment_suffix, "Project": "DataPipeline"}
