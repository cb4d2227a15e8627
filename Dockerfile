# Sidestep as an image: locked wheels and this project, nothing that installs or compiles, no shell needed to run it.
# A release passes the base by digest: --build-arg PYTHON_IMAGE=python@sha256:... (a tag can be moved, a digest cannot).
ARG PYTHON_IMAGE=python:3.12.14-slim-trixie

# ---- build: a virtual environment with the locked wheels and the project's own wheel
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Wheels only, each by hash: nothing of a dependency runs while it is installed.
COPY requirements/run.txt requirements/redis.txt requirements/
RUN python -m venv --without-pip /opt/sidestep
RUN pip --python /opt/sidestep/bin/python install \
    --quiet --no-compile --only-binary :all: --require-hashes -r requirements/run.txt -r requirements/redis.txt

# The tokenizer's vocabularies, checked by tiktoken against its own hashes, for exact counts. Nothing on a request's way
# needs them, and without them a stated upper bound serves: a build that cannot fetch them goes on.
RUN mkdir -p /opt/tiktoken; for name in cl100k_base o200k_base; do \
        TIKTOKEN_CACHE_DIR=/opt/tiktoken timeout 120 /opt/sidestep/bin/python -c \
            "import sys, tiktoken; tiktoken.get_encoding(sys.argv[1])" "$name" 2>/dev/null \
        || echo "no network for $name: the image counts its tokens by an upper bound"; \
    done

# The project as a wheel, built with the setuptools of the lock; then setuptools goes, with its .pth file.
COPY . .
RUN pip --python /opt/sidestep/bin/python wheel --quiet --no-deps --no-build-isolation --wheel-dir /src/dist .
RUN pip --python /opt/sidestep/bin/python install --quiet --no-compile --no-deps --no-index /src/dist/sidestep-*.whl
RUN pip --python /opt/sidestep/bin/python uninstall --quiet --yes setuptools

# A .pth file runs code at every start of Python, so there must be none. Bytecode is made here, because the
# running process cannot write it.
RUN find /opt/sidestep -name '*.pth' | { ! grep .; }
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/sidestep/lib

# ---- run: the same base, that environment, the vocabularies
FROM ${PYTHON_IMAGE} AS run
LABEL org.opencontainers.image.title="sidestep" \
      org.opencontainers.image.description="A failover proxy for LLM clients" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"

# The base comes without bytecode of the standard library, and a read-only root could never keep it: made here, it is
# not compiled anew at every start and every probe. The state folder is for budgets and usage, where they are kept: a
# volume that is mounted there belongs to the user that runs.
RUN python -m pip uninstall --quiet --yes --root-user-action ignore pip \
    && python -m compileall -q --invalidation-mode unchecked-hash -x 'test|idlelib|lib2to3|turtledemo' /usr/local/lib/python3.12 \
    && mkdir -p -m 0700 /var/lib/sidestep && chown 65532:65532 /var/lib/sidestep
COPY --from=build /opt/sidestep /opt/sidestep
COPY --from=build /opt/tiktoken /opt/tiktoken

ENV PATH=/opt/sidestep/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SIDESTEP_STATE_DIR=/var/lib/sidestep \
    TIKTOKEN_CACHE_DIR=/opt/tiktoken

# A number, so that Kubernetes' runAsNonRoot can check it; of the image it owns the empty state folder alone, and the root
# may be read-only.
USER 65532:65532
WORKDIR /
EXPOSE 4600

HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["sidestep", "probe"]
ENTRYPOINT ["sidestep"]

# Every interface of the container: `serve` refuses that by itself unless clients are configured.
CMD ["serve", "--host", "0.0.0.0"]
