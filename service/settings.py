"""Settings: each with its unit and its default, read once from the environment and a file.

A setting ``request_timeout_s`` is the variable ``LAYOUTSERVE_REQUEST_TIMEOUT_S``, or ``request_timeout_s = 30`` in the
TOML file that ``LAYOUTSERVE_SETTINGS_FILE`` names; the environment wins. A name that is not a setting is refused.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from layoutserve.service.errors import SettingsError

# A lease that ends later was promised before a clock was set back.
LONGEST_LEASE_S = 60.0
PREFIX = "LAYOUTSERVE_"
FILE_VARIABLE = PREFIX + "SETTINGS_FILE"
# Read by the client SDK, which may run beside the service in the same environment.
CLIENT_VARIABLES = frozenset({PREFIX + "BASE_URL", PREFIX + "API_KEY"})


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = BeforeValidator(_split)
VersionedName = Annotated[str, Field(pattern="^[^@]+@.+$")]


class Settings(BaseModel):
    """Settings of the service. Units are in the names; 0 means *off* where the description says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where it listens
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 lets the system choose")

    # What it serves
    bundles: Annotated[tuple[Path, ...], Listed] = Field(
        (), description="Bundles, or folders of bundles, beside the starter bundle that comes with the service"
    )
    starter: bool = Field(True, description="Whether the starter bundle is served")
    bundles_poll_s: float = Field(
        10.0, ge=0, description="Seconds between looks for new, changed and removed bundles; 0: only when told to"
    )
    model: str | None = Field(None, description="Model of requests that name none; default: the first one")
    model_versions: Annotated[tuple[VersionedName, ...], Listed] = Field(
        (), description="Versions that names stand for, as NAME@VERSION; other names stand for their newest"
    )
    data_folder: Path = Field(
        Path("~/.local/state/layoutserve"),
        description="Where jobs and their results are kept; processes that share it share the work",
    )

    # Who may use it
    api_keys: Annotated[tuple[str, ...], Listed] = Field(
        (), description="Keys as NAME:KEY or NAME:sha256:HEX, separated by commas; none: everybody", repr=False
    )
    api_keys_file: Path | None = Field(None, description="File with one such key a line; '#' begins a comment")

    allowed_hosts: Annotated[tuple[str, ...], Listed] = Field(
        (), description="Names under which it may be called; none: any, on loopback only localhost and its addresses"
    )
    metrics_need_key: bool = Field(False, description="Whether /metrics needs an API key as well")

    # What a request may be
    max_file_bytes: int = Field(20 * 2**20, ge=1, description="Largest document")
    max_pixels: int = Field(50_000_000, ge=1, description="Most pixels of one page")
    max_pages: int = Field(20, ge=1, description="Most pages of a document answered at once")
    max_job_pages: int = Field(500, ge=1, description="Most pages of a document answered as a job")
    pdf_dpi: int = Field(200, ge=36, le=600, description="Resolution at which PDF pages are drawn")
    page_cpu_s: int = Field(20, ge=1, description="Most processor seconds for decoding one page")
    decoding_memory_mib: int = Field(1024, ge=64, description="Most memory for decoding, of all documents together")
    max_answer_mib: int = Field(32, ge=1, description="Largest answer or result of a job, in MiB, about")
    request_timeout_s: float = Field(60.0, gt=0, description="Longest time for a request, its body included")
    job_timeout_s: float = Field(3600.0, gt=0, description="Longest time for one attempt at a job")

    # How much it takes on
    ocr_models: Path | None = Field(
        None, description="Folder of PP-OCR models; default: those of layoutserve ocr-models"
    )
    ocr_languages: Annotated[tuple[str, ...], Listed] = Field(
        (),
        description="Languages whose own models PaddleOCR finds; requests may choose, the first is the default",
    )
    ocr_min_score: float | None = Field(
        None, ge=0, le=1, description="Lines that are read with less mean probability are left out; default: 0.7"
    )
    ocr_workers: int = Field(0, ge=0, description="OCR workers side by side; 0: one for each four cores")
    ocr_threads: int = Field(0, ge=0, description="Threads of one OCR worker; 0: the cores shared out")
    max_pages_at_once: int = Field(
        0, ge=0, description="Pages decoded at once, of all documents; 0: what keeps it busy"
    )
    session_workers: int = Field(0, ge=0, description="Batches that run side by side; 0: two on a CPU, one on a GPU")
    session_threads: int = Field(0, ge=0, description="Threads of one batch; 0: one for each core")
    max_batch_tokens: int = Field(
        0, ge=0, description="Most tokens of a batch, padding counted; 0: 512 on a CPU, 2048 on a GPU"
    )
    max_queue_tokens: int = Field(65_536, ge=1, description="Tokens waiting, above which new requests get 429")
    max_documents: int = Field(32, ge=1, description="Documents in work or waiting, above which requests get 429")
    page_cache_mib: int = Field(64, ge=0, description="Memory for pages already read; 0: no cache")
    providers: Annotated[tuple[str, ...], Listed] = Field(
        (), description="ONNX Runtime execution providers in order of preference; none: what is there"
    )
    native_ops: bool = Field(True, description="Whether the operator library is used where it is built")

    # Jobs
    max_jobs: int = Field(200, ge=1, description="Jobs waiting or running, above which new ones get 429")
    job_workers: int = Field(1, ge=1, description="Jobs worked on side by side")
    jobs_url: SecretStr | None = Field(
        None, description="Database of jobs for several hosts, postgresql://...; default: a file in data_folder"
    )
    max_jobs_mib: int = Field(
        4096, ge=1, description="Documents, results and answers kept, in MiB, above which new jobs get 429"
    )
    job_lease_s: float = Field(
        15.0, gt=0, le=LONGEST_LEASE_S, description="A job whose process was silent for this long is taken over"
    )
    job_attempts: int = Field(2, ge=1, description="Attempts at a job that takes its process down")
    job_ttl_s: float = Field(86_400.0, gt=0, description="How long finished jobs and idempotency keys are kept")

    # How it ends and what it writes
    drain_timeout_s: float = Field(60.0, ge=0, description="Longest wait for accepted work after SIGTERM")
    slow_request_s: float = Field(
        10.0, ge=0, description="Requests that take longer are logged with the time of each stage; 0: none are"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")

    @property
    def beyond_loopback(self) -> bool:
        """True where other machines can reach the service."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"


def load(environment: Mapping[str, str] | None = None, **given: object) -> Settings:
    """Put the settings together: what is ``given`` wins over the environment, which wins over the file.

    Raises SettingsError, with a sentence for each, where a name is unknown or a value does not fit.
    """
    environment = os.environ if environment is None else environment
    known = set(Settings.model_fields)
    values: dict[str, object] = {}
    if path := environment.get(FILE_VARIABLE):
        values |= _from_file(Path(path), known)
    for variable, value in environment.items():
        if not variable.upper().startswith(PREFIX) or variable == FILE_VARIABLE or variable in CLIENT_VARIABLES:
            continue
        name = variable[len(PREFIX) :].lower()
        if name not in known:
            raise SettingsError(_unknown(variable, [PREFIX + setting.upper() for setting in known]))
        values[name] = value
    values |= given
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise SettingsError(f"These settings do not fit ({faults}). Correct them and start again.") from None


def _from_file(path: Path, known: set[str]) -> dict[str, object]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read ({error}). Correct {FILE_VARIABLE}.") from None
    for name in values:
        if name not in known:
            raise SettingsError(_unknown(f"{name} (in {path})", sorted(known)))
    return values


def _unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name.split(" ")[0], known, n=1)
    meant = f"Did you mean {nearest[0]}?" if nearest else f"The settings are {', '.join(sorted(known))}."
    return f"{name} is not a setting. {meant}"
