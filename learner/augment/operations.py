"""What can be done to a batch of images: pure functions of float32 planes [B, 3, H, W] in [0, 1], batched."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R BT.601)."""


def plain(images: torch.Tensor) -> torch.Tensor:
    """uint8 [B, 3, H, W] to float32 [B, 3, H, W] in [-1, 1] and nothing else: mean 0.5 and standard deviation 0.5."""
    return images.to(torch.float32, memory_format=torch.contiguous_format).mul_(2 / 255).sub_(1)


def resized_crop(planes: torch.Tensor, boxes: torch.Tensor, *, flip: torch.Tensor) -> torch.Tensor:
    """Cut boxes [B, 4] (top, left, height, width) out of float32 [B, 3, H, W] and enlarge them to H x W, bilinearly.

    As `interpolate(crop, align_corners=False)`: a crop's own edge is repeated, what lies beyond it is never seen.
    """
    top, left, tall, wide = boxes.unsqueeze(-1).unbind(1)
    grid = planes.new_empty(len(planes), *planes.shape[-2:], 2)
    for axis, (start, length, size) in enumerate(((left, wide, planes.shape[3]), (top, tall, planes.shape[2]))):
        steps = (torch.arange(size, device=planes.device) + 0.5) / size
        if axis == 0:
            steps = torch.where(flip[:, None], 1 - steps, steps)
        pixels = start + torch.minimum((steps * length - 0.5).clamp_(min=0), length - 1)
        position = (2 * pixels + 1) / size - 1
        grid[..., axis] = position[:, None, :] if axis == 0 else position[:, :, None]
    return F.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)


def resized_crop_of_bytes(images: torch.Tensor, boxes: torch.Tensor, *, flip: torch.Tensor) -> torch.Tensor:
    """`resized_crop` of uint8 [B, 3, H, W] in any memory format, divided by 255, on a CPU: much faster there.

    OpenCV weights pixels by the same formula; the two differ by rounding. The loop is for one thread: two that call so
    briefly wait for each other's interpreter lock, and take longer.
    """
    height, width = images.shape[-2:]
    frames = images.permute(0, 2, 3, 1).to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255).numpy()
    cut = np.empty_like(frames)
    for row, (top, left, tall, wide) in enumerate(boxes.int().tolist()):
        cv2.resize(frames[row, top : top + tall, left : left + wide], (width, height), dst=cut[row])
    for row in flip.nonzero()[:, 0].tolist():
        cut[row] = cut[row, :, ::-1]
    return torch.from_numpy(cut).permute(0, 3, 1, 2).contiguous()


def grey_of(planes: torch.Tensor) -> torch.Tensor:
    """Grey values [B, 1, H, W] of [B, 3, H, W]."""
    red, green, blue = planes.split(1, dim=1)
    return (red * GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])


def lose_colour(planes: torch.Tensor) -> torch.Tensor:
    """Each pixel's grey in all three channels."""
    return grey_of(planes).expand_as(planes)


def adjust_brightness(planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Towards black, in place; `factor` [B, 1, 1, 1] as in the three below."""
    planes.mul_(factor).clamp_(0, 1)


def adjust_contrast(planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Towards or away from the image's mean grey, in place."""
    means = planes.mean(dim=(2, 3), keepdim=True)
    planes.mul_(factor).add_((1 - factor) * grey_of(means)).clamp_(0, 1)


def adjust_saturation(planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Towards or away from each pixel's grey, in place."""
    grey = grey_of(planes).mul_(1 - factor)
    planes.mul_(factor).add_(grey).clamp_(0, 1)


def adjust_hue(planes: torch.Tensor, turn: torch.Tensor) -> None:
    """Turn the hue by a share of the colour circle, in place, at unchanged HSV saturation and value.

    With v the largest channel, c its distance to the smallest and h the hue in sixths, the channels are the usual
    v - c + c clamp(|h - 3| - 1), v - c + c clamp(2 - |h - 2|) and v - c + c clamp(2 - |h - 4|), clamped to [0, 1].
    """
    red, green, blue = planes.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    chroma = value - least
    # Masks of 0.0 and 1.0 with lerp are exact, and on a CPU several times faster than bool masks with where.
    mask = torch.eq(green, value, out=torch.empty_like(value))
    sixths = (red - green).add_(chroma, alpha=4).lerp_((blue - red).add_(chroma, alpha=2), mask)
    sixths.lerp_(green - blue, torch.eq(red, value, out=mask))
    # Grey pixels have chroma and numerator 0: the bound only keeps 0 / 0 away.
    sixths.div_(chroma.clamp(min=1e-12)).add_(turn.squeeze(1), alpha=6)
    sixths.sub_(torch.div(sixths, 6).floor_(), alpha=6)
    torch.addcmul(least, chroma, (sixths - 3).abs_().sub_(1).clamp_(0, 1), out=red)
    torch.addcmul(least, chroma, (sixths - 2).abs_().neg_().add_(2).clamp_(0, 1), out=green)
    torch.addcmul(least, chroma, (sixths - 4).abs_().neg_().add_(2).clamp_(0, 1), out=blue)


def kernel_size(height: int, width: int) -> int:
    """Pixels along each side of the blur's kernel: odd, about a tenth of the image's shorter side, 3 at least."""
    return max(3, 2 * (min(height, width) // 20) + 1)


def gaussian_blur(planes: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Each image of [B, 3, H, W] blurred by a Gaussian of its own standard deviation `sigma` [B] pixels, above 0.

    The kernel is cut off at `kernel_size` and sums to 1; beyond the image's edge it sees the image reflected.
    """
    channels, height, width = planes.shape[1:]
    radius = kernel_size(height, width) // 2
    offsets = torch.arange(-radius, radius + 1, device=planes.device)
    kernel = torch.softmax(-0.5 * (offsets / sigma[:, None]).square(), dim=1).repeat_interleave(channels, dim=0)
    padded = F.pad(planes, (radius, radius, radius, radius), mode="reflect").flatten(0, 1)
    # One convolution for all: every plane is a group with a kernel of its own.
    along = F.conv2d(padded[None], kernel[:, None, None, :], groups=len(kernel))
    return F.conv2d(along, kernel[:, None, :, None], groups=len(kernel)).view_as(planes)


JITTERS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
