# Two images: `docker build --target serving .` answers HTTP and contains no TensorFlow; `full`, the last target, also runs searches.
# Both run as an unnamed user, write to /var/lib/ihas only, and contain compiled bytecode. The base image is named by its version; to pin its
# bytes, state its digest: `--build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:...`.

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /build
RUN python -m venv /opt/bootstrap && /opt/bootstrap/bin/pip install --no-cache-dir uv==0.13.9
ENV PATH=/opt/bootstrap/bin:$PATH
COPY requirements/development.lock requirements/
COPY pyproject.toml README.md LICENSE ./
COPY data/coupon data/coupon
COPY ihas ihas
COPY pipelines pipelines
COPY service service
RUN uv build --quiet --wheel --build-constraints requirements/development.lock --require-hashes --out-dir /wheel

FROM build AS build-serving
COPY requirements/serving.lock requirements/
RUN uv venv --quiet --python /usr/local/bin/python3 /opt/ihas && \
    uv pip install --quiet --python /opt/ihas/bin/python --require-hashes -r requirements/serving.lock && \
    uv pip install --quiet --python /opt/ihas/bin/python --no-deps /wheel/*.whl

FROM build AS build-full
COPY requirements/full.lock requirements/
RUN uv venv --quiet --python /usr/local/bin/python3 /opt/ihas && \
    uv pip install --quiet --python /opt/ihas/bin/python --require-hashes -r requirements/full.lock && \
    uv pip install --quiet --python /opt/ihas/bin/python --no-deps /wheel/*.whl

FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="iHAS" \
      org.opencontainers.image.description="Right-sized recommenders: an HTTP service that answers, and workers that search" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The iHAS maintainers" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV PATH=/opt/ihas/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1 \
    HOME=/var/lib/ihas TMPDIR=/var/lib/ihas IHAS_FOLDER=/var/lib/ihas IHAS_HOST=0.0.0.0 IHAS_PORT=8000 IHAS_ACCESS=keys
RUN install -d -o 10001 -g 10001 /var/lib/ihas
USER 10001:10001
WORKDIR /var/lib/ihas
VOLUME /var/lib/ihas
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['IHAS_PORT']}/livez\", timeout=2)"]

FROM runtime AS serving
COPY --from=build-serving /opt/ihas /opt/ihas
CMD ["ihas", "serve"]

FROM runtime AS full
COPY --from=build-full /opt/ihas /opt/ihas
CMD ["ihas", "up"]
