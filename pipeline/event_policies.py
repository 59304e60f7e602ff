"""The policies of a pipeline that follows somebody else's bucket: ARNs in, a dict out."""

from .policies import Policy, _allow, _deny, _policy


def queue_takes_only_from_rule(*, queue_arn: str, rule_arn: str) -> Policy:
    """Let EventBridge send a rule's undelivered events, over TLS, and nobody else anything.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
    """
    send = {
        "Sid": "RuleSendsUndelivered",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    others = {"ArnNotEquals": {"aws:SourceArn": rule_arn}}
    return _policy(
        send,
        _deny("DenyPlainHttp", "sqs:*", queue_arn, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("DenySendingToOthers", "sqs:SendMessage", queue_arn, others),
    )


def decrypt_objects(*, key_arn: str, region: str, dns_suffix: str) -> Policy:
    """Allow a key's use for the objects of a bucket alone: through S3, to read a checksum.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{region}.{dns_suffix}"}}
    return _policy(_allow("DecryptObjects", "kms:Decrypt", key_arn) | {"Condition": through_s3})
