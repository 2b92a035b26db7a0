"""Take an order, show an order."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.http import JsonResponse

from shop.jobs import confirm
from shop.models import Order
from shop.tasks import count


class Regret(Exception):
    """The customer does not want it after all."""


def new_order(request: Any) -> JsonResponse:
    """Insert the order and its two jobs, or nothing."""
    try:
        with transaction.atomic():
            order = Order.objects.create(email=request.POST["email"])
            confirm.enqueue(connection, order_id=order.pk)
            count.enqueue(order.pk)
            if request.POST.get("regret"):
                raise Regret
    except Regret:
        return JsonResponse({"error": "changed my mind"}, status=409)
    return JsonResponse({"id": order.pk}, status=201)


def show(request: Any, order_id: int) -> JsonResponse:
    """Show an order and its progress."""
    order = Order.objects.get(pk=order_id)
    return JsonResponse({"email": order.email, "confirmed": order.confirmed, "counted": order.counted})
