"""The faults under which no file may be lost, and how often they strike."""

from support.faults import Fault

OPERATIONS = ("HeadObject", "PutItem")
SHARES = {"20 %": 0.2, "all": 1.0}
FAULTS = {
    "500": {
        "HeadObject": Fault(status=500),
        "PutItem": Fault(status=500, code="InternalServerError"),
    },
    "throttled": {
        "HeadObject": Fault(status=503, code="SlowDown"),
        "PutItem": Fault(status=400, code="ThrottlingException"),
    },
    "access denied": {
        "HeadObject": Fault(status=403, code="AccessDenied"),
        "PutItem": Fault(status=400, code="AccessDeniedException"),
    },
    "reset": dict.fromkeys(OPERATIONS, Fault(reset=True)),
    "answer too late": dict.fromkeys(OPERATIONS, Fault(delay=2.2)),
    "answer lost": dict.fromkeys(OPERATIONS, Fault(lose_answer=True)),
}
